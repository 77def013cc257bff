package sluice.guest.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The same cells on two kernels.
 *
 * @param first the selected kernel
 * @param other the kernel to compare with
 */
record Comparison(CheckResult first, CheckResult other) {
    /**
     * A cell with a different result.
     *
     * @param ours on the first kernel
     * @param theirs on the other
     */
    record Difference(CellResult ours, CellResult theirs) {
        /** As one line. */
        String sentence(String kernel, String otherKernel) {
            return "%s: %s; %s".formatted(ours.cell().name(), side(kernel, ours), side(otherKernel, theirs));
        }

        private static String side(String kernel, CellResult result) {
            return "%s on %s%s".formatted(result.outcome().name().toLowerCase(Locale.ROOT), kernel,
                    result.reason().isEmpty() ? "" : " (%s)".formatted(result.reason()));
        }
    }

    /** Cells with different outcomes, or different rules of errors; bytes and times vary from run to run. */
    List<Difference> differences() {
        Map<Cell, CellResult> theirs = new HashMap<>();
        other.cells().forEach(result -> theirs.put(result.cell(), result));
        List<Difference> differences = new ArrayList<>();
        for (CellResult result : first.cells()) {
            CellResult against = theirs.get(result.cell());
            if (against == null)
                throw new IllegalArgumentException(result.cell().name() + " was run on one of both kernels only");
            if (result.outcome() != against.outcome() || !rules(result).equals(rules(against)))
                differences.add(new Difference(result, against));
        }
        return differences;
    }

    private static Set<String> rules(CellResult result) {
        return result.findings().stream().filter(Finding::error).map(Finding::rule)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** One line per difference, or one line if there is none. */
    List<String> lines() {
        List<Difference> differences = differences();
        if (differences.isEmpty())
            return List.of("no cell differs between %s and %s".formatted(first.kernel(), other.kernel()));
        return differences.stream().map(difference -> difference.sentence(first.kernel(), other.kernel())).toList();
    }

    /** 0 no difference, 1 differences, 255 a guest's kernel is broken. */
    int exitStatus() {
        if (first.exitStatus() == CheckResult.BROKEN || other.exitStatus() == CheckResult.BROKEN)
            return CheckResult.BROKEN;
        return differences().isEmpty() ? 0 : 1;
    }
}
