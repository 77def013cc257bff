package sluice.guest.check;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestKernel;
import sluice.guest.KernelConfig;

/**
 * The kernel configuration required by cells, without options that cannot be selected directly. A kernel without a
 * readable configuration is assumed to have everything.
 */
final class KernelNeeds {
    private static final Pattern OPTION = Pattern.compile("CONFIG_([A-Z0-9_]+)");

    private final @Nullable KernelConfig config;

    KernelNeeds(@Nullable KernelConfig config) {
        this.config = config;
    }

    static KernelNeeds of(GuestKernel kernel) throws IOException {
        return new KernelNeeds(kernel.config().orElse(null));
    }

    /** Whether the witness can be built and loaded. */
    boolean hasWitness() {
        return lacking(KernelOption.WITNESS).isEmpty();
    }

    /**
     * Checks the essential options.
     *
     * @param driver with an emulated card, or another
     * @throws IOException something is missing; the message names all of it
     */
    void require(String driver) throws IOException {
        List<KernelOption> missing = new ArrayList<>(lacking(KernelOption.ESSENTIAL));
        missing.addAll(lacking(KernelOption.ofDriver(driver)));
        if (!missing.isEmpty())
            throw new IOException(
                    "this kernel lacks %s: --print=config writes what to merge into its .config".formatted(
                            sentence(missing)));
    }

    /**
     * Checks the options of tracing.
     *
     * @throws IOException something is missing; the message names all of it
     */
    void requireTracing() throws IOException {
        List<KernelOption> missing = lacking(KernelOption.TRACING);
        if (!missing.isEmpty()) throw new IOException("this kernel lacks " + sentence(missing));
    }

    /** Why a cell cannot run on this kernel, or empty. */
    Optional<String> obstacle(Cell cell) {
        List<KernelOption> missing = lacking(ofCell(cell));
        return missing.isEmpty() ? Optional.empty() : Optional.of("this kernel lacks " + sentence(missing));
    }

    /** The missing options with their purposes; empty if there are none. */
    List<String> notes(List<Cell> cells, CallSource calls) {
        Set<KernelOption> wanted = new LinkedHashSet<>(
                calls == CallSource.MODULE ? KernelOption.WITNESS : KernelOption.PROBES);
        cells.forEach(cell -> wanted.addAll(ofCell(cell)));
        return lacking(List.copyOf(wanted)).stream().map(option -> "this kernel lacks %s, for %s".formatted(
                option.full(), option.purpose())).distinct().toList();
    }

    private static List<KernelOption> ofCell(Cell cell) {
        List<KernelOption> options = new ArrayList<>();
        Matcher named = OPTION.matcher(cell.program() == null ? cell.memory().needs() : "");
        while (named.find())
            options.add(KernelOption.named(named.group(1), "buffers of " + cell.memory().label()));
        options.addAll(KernelOption.ofSetup(cell.setup()));
        // A non-coherent card depends on the kernel's DMA calls, so the witness must report them; and it tells why a mistake has
        // left wrong bytes.
        if (!cell.setup().snoops() || cell.isSilentWhereBounced()) options.addAll(KernelOption.WITNESS);
        return options;
    }

    private List<KernelOption> lacking(List<KernelOption> options) {
        KernelConfig read = config;
        return read == null ? List.of() : options.stream().filter(option -> !read.has(option.name())).toList();
    }

    private static String sentence(List<KernelOption> options) {
        Map<String, List<String>> byPurpose = new LinkedHashMap<>();
        for (KernelOption option : options)
            byPurpose.computeIfAbsent(option.purpose(), _ -> new ArrayList<>()).add(option.full());
        return byPurpose.entrySet().stream()
                .map(entry -> "%s (%s)".formatted(String.join(", ", entry.getValue()), entry.getKey()))
                .collect(Collectors.joining(", "));
    }

    /**
     * A fragment for {@code scripts/kconfig/merge_config.sh} of the kernel, which also gives a suitable kernel on top
     * of {@code allnoconfig}.
     */
    static String fragment(String driver, List<Cell> cells) {
        Map<String, String> purposes = new LinkedHashMap<>();
        List<String> drivers = KernelOption.ofDriver(driver).stream().map(KernelOption::name).toList();
        List<KernelOption> all = new ArrayList<>(KernelOption.ESSENTIAL);
        all.addAll(KernelOption.ofDriver(driver));
        all.addAll(KernelOption.WITNESS);
        cells.forEach(cell -> all.addAll(ofCell(cell)));
        all.addAll(KernelOption.PROGRAM);
        all.addAll(KernelOption.ROOT);
        for (KernelOption option : all) {
            for (String under : option.under()) purposes.putIfAbsent(under, option.purpose());
            purposes.putIfAbsent(option.name(), option.purpose());
        }
        StringBuilder text = new StringBuilder("""
                # For ./sluice check --driver=%s. In a kernel's tree, with this file as check.config:
                #   scripts/kconfig/merge_config.sh .config check.config && make bzImage modules
                """.formatted(driver));
        String last = "";
        for (Map.Entry<String, String> option : purposes.entrySet()) {
            if (!option.getValue().equals(last)) text.append("# ").append(option.getValue()).append('\n');
            last = option.getValue();
            // A built-in driver would map before the witness is loaded.
            text.append("CONFIG_").append(option.getKey()).append(drivers.contains(option.getKey()) ? "=m\n" : "=y\n");
        }
        return text.toString();
    }
}
