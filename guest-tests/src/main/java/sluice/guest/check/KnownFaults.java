package sluice.guest.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

/**
 * Analysed faults of stock kernels: {@code known-faults.json}, with the cause in the kernel's source. A cell that fails
 * only because of them shows the cause, but still fails.
 */
final class KnownFaults {
    private static final String FILE = "known-faults.json";

    /**
     * A fault.
     *
     * @param memory origin of the buffers in affected cells
     * @param bounced with {@code swiotlb=force} or without, or null for both
     * @param snoops with a coherent card or not, or null for both
     * @param wrongBytes whether user space gets wrong bytes
     * @param rules violated rules, without hints
     * @param says a line of the program or the kernel, if the program gets no bytes; otherwise null
     * @param cause cause in a sentence, with kernel files
     */
    private record Fault(Cell.Memory memory, @Nullable Boolean bounced, @Nullable Boolean snoops, boolean wrongBytes,
            List<String> rules, @Nullable Pattern says, String cause) {
        boolean isOf(Cell cell) {
            return cell.memory() == memory && (bounced == null || bounced == cell.setup().bounces())
                    && (snoops == null || snoops == cell.setup().snoops());
        }

        boolean isSaid(List<String> lines) {
            Pattern said = says;
            return said != null && lines.stream().anyMatch(line -> said.matcher(line).find());
        }
    }

    private final List<Fault> faults;

    private KnownFaults(List<Fault> faults) {
        this.faults = faults;
    }

    /** The built-in list. */
    static KnownFaults shipped() throws IOException {
        try (InputStream file = Objects.requireNonNull(KnownFaults.class.getResourceAsStream(FILE), FILE)) {
            List<Fault> faults = new ArrayList<>();
            for (JsonElement one : JsonParser.parseReader(new InputStreamReader(file, StandardCharsets.UTF_8))
                    .getAsJsonArray())
                faults.add(fault(one.getAsJsonObject()));
            return new KnownFaults(faults);
        }
    }

    private static Fault fault(JsonObject json) {
        List<String> rules = new ArrayList<>();
        json.getAsJsonArray("rules").forEach(rule -> rules.add(rule.getAsString()));
        return new Fault(Cell.Memory.valueOf(json.get("memory").getAsString()), flag(json, "bounced"),
                flag(json, "snoops"), json.get("wrongBytes").getAsBoolean(), rules,
                json.has("says") ? Pattern.compile(json.get("says").getAsString()) : null,
                json.get("cause").getAsString());
    }

    private static @Nullable Boolean flag(JsonObject json, String name) {
        return json.has(name) ? json.get(name).getAsBoolean() : null;
    }

    /**
     * The causes of a failed cell, if all of them are known.
     *
     * @param lines console output meanwhile
     */
    Optional<String> explain(Cell cell, @Nullable Bytes bytes, List<Finding> findings, List<String> lines) {
        List<Fault> here = faults.stream().filter(fault -> fault.isOf(cell)).toList();
        List<Fault> seen = new ArrayList<>();
        if (bytes == null) {
            Optional<Fault> fault = here.stream().filter(one -> one.isSaid(lines)).findFirst();
            if (fault.isEmpty()) return Optional.empty();
            seen.add(fault.get());
        } else if (bytes.failed() > 0) {
            return Optional.empty();
        }
        for (Finding finding : findings) {
            if (!finding.error()) continue;
            Optional<Fault> fault = here.stream().filter(one -> one.rules.contains(finding.rule())).findFirst();
            if (fault.isEmpty()) return Optional.empty();
            if (!seen.contains(fault.get())) seen.add(fault.get());
        }
        if (bytes != null && !bytes.areRight()) {
            Optional<Fault> fault = here.stream().filter(Fault::wrongBytes).findFirst();
            // Bytes from neither the device nor the program are another fault.
            if (fault.isEmpty() || bytes.other() > 0) return Optional.empty();
            if (!seen.contains(fault.get())) seen.add(fault.get());
        }
        return seen.isEmpty()
                ? Optional.empty()
                : Optional.of(String.join("; ", seen.stream().map(Fault::cause).toList()));
    }
}
