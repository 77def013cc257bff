package sluice.guest.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
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
    /** How the reason of a cell begins that fails only because of them. */
    static final String KNOWN = "known: ";
    private static final String FILE = "known-faults.json";

    /**
     * A fault.
     *
     * @param memories whose cells have it
     * @param bounced whether with {@code swiotlb=force}, or null for either
     * @param snoops whether with a card that snoops, or null for either
     * @param wrongBytes whether user space gets wrong bytes
     * @param strayBytes whether these may be another device's, or another buffer's
     * @param rules that are found, besides hints
     * @param after function in the chain of the call before the one that broke the rule, of the same buffer; null for any
     * @param says where the program does not come to bytes, a line of it or of the kernel; null where it does
     * @param driver whose fault it is, with others' or without; null for any
     * @param cause in a sentence, with files of the kernel
     */
    private record Fault(Set<Memory> memories, @Nullable Boolean bounced, @Nullable Boolean snoops, boolean wrongBytes,
            boolean strayBytes, List<String> rules, @Nullable String after, @Nullable Pattern says,
            @Nullable String driver,
            String cause) {
        boolean isOf(Cell cell) {
            return memories.contains(cell.memory()) && (bounced == null || bounced == cell.setup().bounces())
                    && (snoops == null || snoops == cell.setup().snoops());
        }

        boolean isFound(Finding finding, Timeline timeline) {
            return rules.contains(finding.rule()) && (after == null
                    || timeline.before(finding).stream().anyMatch(function -> function.startsWith(after + "+")));
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

    /** Those that a card's driver can have. */
    KnownFaults of(Card card) {
        return new KnownFaults(faults.stream()
                .filter(fault -> fault.driver == null || card.driver().equals(fault.driver)).toList());
    }

    /** Those that are shipped, of all drivers. */
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
        Set<Memory> memories = EnumSet.noneOf(Memory.class);
        json.getAsJsonArray("memories").forEach(memory -> memories.add(Memory.valueOf(memory.getAsString())));
        List<String> rules = new ArrayList<>();
        json.getAsJsonArray("rules").forEach(rule -> rules.add(rule.getAsString()));
        return new Fault(memories, flag(json, "bounced"), flag(json, "snoops"), json.get("wrongBytes").getAsBoolean(),
                Boolean.TRUE.equals(flag(json, "strayBytes")), rules,
                json.has("after") ? json.get("after").getAsString() : null,
                json.has("says") ? Pattern.compile(json.get("says").getAsString()) : null,
                json.has("driver") ? json.get("driver").getAsString() : null, json.get("cause").getAsString());
    }

    private static @Nullable Boolean flag(JsonObject json, String name) {
        return json.has(name) ? json.get(name).getAsBoolean() : null;
    }

    /**
     * The causes of a failed cell, if all of them are known.
     *
     * @param lines console output meanwhile
     * @param timeline of the cell
     */
    Optional<String> explain(Cell cell, @Nullable Bytes bytes, List<Finding> findings, List<String> lines,
            Timeline timeline) {
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
            Optional<Fault> fault = here.stream().filter(one -> one.isFound(finding, timeline)).findFirst();
            if (fault.isEmpty()) return Optional.empty();
            if (!seen.contains(fault.get())) seen.add(fault.get());
        }
        if (bytes != null && !bytes.areRight()) {
            // Bytes that nobody put there are another fault.
            Optional<Fault> fault = here.stream()
                    .filter(one -> one.wrongBytes && (one.strayBytes || bytes.other() == 0)).findFirst();
            if (fault.isEmpty()) return Optional.empty();
            if (!seen.contains(fault.get())) seen.add(fault.get());
        }
        return seen.isEmpty()
                ? Optional.empty()
                : Optional.of(String.join("; ", seen.stream().map(Fault::cause).toList()));
    }
}
