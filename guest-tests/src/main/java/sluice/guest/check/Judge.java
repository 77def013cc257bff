package sluice.guest.check;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import sluice.guest.Machine;

/**
 * Determines the outcome of a cell by two laws: a program that keeps the rules gets right bytes without findings; and
 * wrong bytes are explained by a finding.
 */
final class Judge {
    /** Findings from checking the mappings of all devices together, which are not errors here. */
    private static final Set<String> BY_DESIGN = Set.of("SAME_PAGES_TWICE", "D17_OVERLAPPING_WRITES",
            "MAPPED_AT_IMPORT", "REDUNDANT_SYNC", "HELD_LONG");
    /** Hints that explain wrong bytes, but are not errors without a read. */
    private static final Set<String> EXPLAIN = Set.of("NEVER_FETCHED", "DIRTY_DROPPED");

    /** What a device does to memory that is not its own, and what a driver leaves to it. */
    private static final Set<String> WRONG_TOUCH = Set.of("DEVICE_FOREIGN_ADDRESS", "DEVICE_AFTER_UNMAP",
            "DEVICE_OUTSIDE_MAPPING", "DEVICE_AGAINST_DIRECTION", "D25_MAPPED_AT_DETACH");
    /** Of wrong bytes without a finding. */
    static final String UNEXPLAINED = "nothing was found that explains it";
    private static final String SKIP = "SLUICE skip ";
    private static final String ERROR = "SLUICE error ";
    private static final String REFUSED = "SLUICE refused ";

    private final KnownFaults known;

    Judge(KnownFaults known) {
        this.known = known;
    }

    /**
     * Judges a completed cell.
     *
     * @param bytes null if not reported by the program
     * @param found all findings meanwhile
     * @param lost kernel calls lost since the boot
     * @param began begin of the cell, by {@link System#nanoTime}
     */
    CellResult judge(Cell cell, Machine.Done done, @Nullable Bytes bytes, List<Finding> found, long lost,
            long began) {
        List<Finding> findings = together(found.stream().filter(finding -> !BY_DESIGN.contains(finding.rule()))
                .filter(finding -> finding.error() || explains(finding, bytes)).toList());
        Optional<String> skip = said(done, SKIP);
        if (skip.isPresent()) return skipped(cell, skip.get());
        List<String> wrong = new ArrayList<>();
        if (cell.memory().mayBeRefused() && done.status() == 0 && bytes == null && said(done, REFUSED).isPresent()) {
            findings.stream().filter(Judge::touchesWrongly).forEach(finding -> wrong.add(sentence(finding)));
        } else if (done.status() != 0 || bytes == null) {
            wrong.add(said(done, ERROR).map(error -> "the program says: " + error)
                    .orElse("the program ended with status " + done.status()));
        } else if (!cell.use().isMistake()) {
            if (!bytes.areRight()) wrong.add(bytes.sentence());
            for (Finding finding : findings) {
                if (finding.error()) wrong.add(sentence(finding));
            }
            if (!bytes.areRight() && findings.isEmpty()) wrong.add(UNEXPLAINED);
        } else {
            findings.stream().filter(Judge::touchesWrongly).forEach(finding -> wrong.add(sentence(finding)));
            if (cell.use().isRefused() && said(done, REFUSED).isEmpty())
                wrong.add("the kernel took what it had to refuse: " + cell.use().help());
            if (!bytes.areRight() && findings.isEmpty())
                wrong.add("user space made a mistake and read wrong bytes, and nothing was found: " + bytes.sentence());
        }
        Outcome outcome = wrong.isEmpty() ? Outcome.PASS : Outcome.FAIL;
        if (lost > 0) {
            outcome = Outcome.INCONCLUSIVE;
            wrong.addFirst("%d calls of the kernel were not seen or not kept".formatted(lost));
        }
        String reason = String.join("; ", wrong.stream().distinct().toList());
        return new CellResult(cell, outcome, reason, bytes, findings, done.lines(), since(began));
    }

    /** The same with its causes, if it failed only because of known faults; its timeline is known by then. */
    CellResult explained(CellResult result) {
        if (result.outcome() != Outcome.FAIL || result.cell().program() != null) return result;
        return known.explain(result.cell(), result.bytes(), result.findings(), result.console(), result.timeline())
                .map(why -> result.because(KnownFaults.KNOWN + why)).orElse(result);
    }

    /** Judges a cell with a completed user program: by its result and the findings meanwhile. */
    CellResult judge(Cell cell, TestProgram program, Machine.Done done, List<Finding> found, long lost, long began) {
        List<Finding> findings = together(found.stream()
                .filter(finding -> finding.error() && !BY_DESIGN.contains(finding.rule())).toList());
        List<String> wrong = program.reasons(done);
        findings.forEach(finding -> wrong.add(sentence(finding)));
        Outcome outcome = program.outcome(done);
        if (!findings.isEmpty()) outcome = Outcome.FAIL;
        if (lost > 0) {
            outcome = Outcome.INCONCLUSIVE;
            wrong.addFirst("%d calls of the kernel were not seen or not kept".formatted(lost));
        }
        String reason = outcome == Outcome.PASS ? "" : String.join("; ", wrong.stream().distinct().toList());
        return new CellResult(cell, outcome, reason, null, findings, done.lines(), since(began));
    }

    /** The same mistake with several buffers is reported once, with the first of them. */
    private static List<Finding> together(List<Finding> findings) {
        Map<String, List<Finding>> alike = new LinkedHashMap<>();
        for (Finding finding : findings) {
            String key = "%s %s %s %s %s".formatted(finding.rule(), finding.device(), call(finding), finding.site(),
                    finding.what().replaceAll("\\d+", "N"));
            alike.computeIfAbsent(key, _ -> new ArrayList<>()).add(finding);
        }
        return alike.values().stream().map(Judge::joined).toList();
    }

    private static Finding joined(List<Finding> alike) {
        Finding first = alike.getFirst();
        long buffers = alike.stream().map(Finding::buffer).distinct().count();
        String what = buffers == 1 ? first.what() : "%s; so for %d buffers".formatted(first.what(), buffers);
        return first.with(alike.stream().mapToLong(Finding::times).sum(), what);
    }

    /** The kernel's call, without the address. */
    private static String call(Finding finding) {
        return finding.buffer().replaceAll(" 0x.*", "");
    }

    private static boolean explains(Finding finding, @Nullable Bytes bytes) {
        return bytes != null && !bytes.areRight() && EXPLAIN.contains(finding.rule());
    }

    /** What a mistake of user space's must never lead to. */
    private static boolean touchesWrongly(Finding finding) {
        return WRONG_TOUCH.contains(finding.rule());
    }

    private static Optional<String> said(Machine.Done done, String what) {
        return done.lines().stream().filter(line -> line.startsWith(what)).map(line -> line.substring(what.length()))
                .findFirst();
    }

    private static String sentence(Finding finding) {
        String who = Stream.of(finding.device(), call(finding)).filter(text -> !text.isEmpty())
                .collect(Collectors.joining(", "));
        return "%s: %s%s".formatted(finding.rule(), finding.what(), who.isEmpty() ? "" : " (%s)".formatted(who));
    }

    /** A cell after which the guest did not answer, or that could not start. */
    CellResult broken(Cell cell, String reason, List<String> console, long began) {
        return new CellResult(cell, Outcome.FAIL, reason, null, List.of(), console, since(began));
    }

    /** A cell that cannot be run. */
    CellResult skipped(Cell cell, String reason) {
        return new CellResult(cell, Outcome.SKIP, reason, null, List.of(), List.of(), Duration.ZERO);
    }

    private static Duration since(long began) {
        return Duration.ofNanos(System.nanoTime() - began);
    }
}
