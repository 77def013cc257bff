package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * KTAP version 1 (Documentation/dev-tools/ktap.rst) during a run: each line is flushed. A setup is a test; its cells
 * are its subtests. Cells arrive setup by setup, in plan order. A planned cell without a result is {@code not ok} with
 * the directive {@code ERROR}, so that an aborted run does not look like a passed one.
 *
 * <pre>
 * KTAP version 1
 * # driver: saa7134_empress, card vfg7350, Linux 7.2.12, QEMU 10.0.2
 * 1..1
 *   KTAP version 1
 *   # Subtest: iommu-none.bounced.coherent
 *   1..2
 *   ok 1 mmap.sync
 *   # reason: the bytes are wrong
 *   not ok 2 udmabuf.sync
 * not ok 1 iommu-none.bounced.coherent
 * </pre>
 *
 * Diagnostic lines precede their result, each with a key: {@code reason}, {@code bytes}, {@code diff}, {@code rule}, {@code source},
 * {@code what}, {@code device}, {@code buffer}, {@code site}, {@code chain}, {@code mapped}, {@code range}, {@code times}, {@code took}. An inconclusive cell is
 * {@code not ok} with {@code ERROR}.
 */
final class KtapWriter {
    private static final String VERSION = "KTAP version 1";
    private static final String INDENT = "  ";

    private final Writer out;
    private final Deque<Map.Entry<Setup, List<Cell>>> planned = new ArrayDeque<>();
    private int tests;
    private int subtests;
    private boolean open;
    private boolean failed;
    private boolean allSkipped = true;

    KtapWriter(Writer out) {
        this.out = out;
    }

    /**
     * Starts the report.
     *
     * @param kernel release of the guest's kernel
     * @param qemu version of QEMU
     * @param calls how the kernel's calls are told
     */
    void begin(Card card, String kernel, String qemu, List<Cell> plan, CallSource calls) throws IOException {
        Map<Setup, List<Cell>> setups = new LinkedHashMap<>();
        for (Cell cell : plan) setups.computeIfAbsent(cell.setup(), none -> new ArrayList<>()).add(cell);
        setups.entrySet().forEach(planned::add);
        print("", VERSION);
        progress("driver: %s, card %s, Linux %s, QEMU %s".formatted(card.driver().isEmpty() ? "none" : card.driver(),
                card.device(), kernel, qemu));
        if (calls != CallSource.MODULE) progress("witness: " + calls.label());
        for (String unseen : calls.unseen()) progress("not seen: " + unseen);
        print("", "1.." + setups.size());
    }

    /**
     * Reports a completed cell. The last planned one of a setup ends the setup.
     *
     * @throws IllegalArgumentException it was not planned, its setup has ended, or a later cell of its setup was
     * already reported
     */
    void cell(CellResult result) throws IOException {
        Cell cell = result.cell();
        if (planned.stream().noneMatch(setup -> setup.getValue().contains(cell))) {
            throw new IllegalArgumentException(cell.name() + " is not among the cells that are left of the plan");
        }
        while (!head().equals(cell.setup()))
            endSetup();
        if (!open) beginSetup();
        List<Cell> left = planned.getFirst().getValue();
        while (!left.getFirst().equals(cell))
            notRun(left.removeFirst());
        left.removeFirst();
        failed |= result.outcome() == Outcome.FAIL || result.outcome() == Outcome.INCONCLUSIVE;
        allSkipped &= result.outcome() == Outcome.SKIP;
        diagnose(result);
        result(result);
        if (left.isEmpty()) endSetup();
    }

    /** Ends the run: planned cells without a result are errors. */
    void end() throws IOException {
        while (!planned.isEmpty())
            endSetup();
    }

    /**
     * Prints progress as a diagnostic line, because boots take time.
     *
     * @param text that fits on a line
     */
    void progress(String text) throws IOException {
        print(open ? INDENT : "", "# " + Legible.line(text));
    }

    private Setup head() {
        return planned.getFirst().getKey();
    }

    private void beginSetup() throws IOException {
        open = true;
        failed = false;
        allSkipped = true;
        subtests = 0;
        print(INDENT, VERSION);
        print(INDENT, "# Subtest: " + head().label());
        print(INDENT, "1.." + planned.getFirst().getValue().size());
    }

    private void endSetup() throws IOException {
        if (!open) beginSetup();
        for (Cell cell : planned.getFirst().getValue()) notRun(cell);
        open = false;
        String directive = allSkipped ? " # SKIP no cell of this setup can be run" : "";
        print("", "%s %d %s%s".formatted(failed ? "not ok" : "ok", ++tests, head().label(), directive));
        planned.removeFirst();
    }

    private void notRun(Cell cell) throws IOException {
        failed = true;
        allSkipped = false;
        print(INDENT, "not ok %d %s # ERROR it was not run".formatted(++subtests, name(cell)));
    }

    private void result(CellResult result) throws IOException {
        String test = "%d %s".formatted(++subtests, name(result.cell()));
        String reason = Legible.line(result.reason());
        print(INDENT, switch (result.outcome()) {
            case PASS -> "ok " + test;
            case FAIL -> "not ok " + test;
            case SKIP -> "ok " + test + " # SKIP " + reason;
            case INCONCLUSIVE -> "not ok " + test + " # ERROR inconclusive: " + reason;
        });
    }

    private void diagnose(CellResult result) throws IOException {
        if (result.outcome() == Outcome.SKIP) return;
        if (result.outcome() == Outcome.FAIL) diagnostic("reason", result.reason());
        Bytes bytes = result.bytes();
        if (bytes != null) {
            diagnostic("bytes", bytes.sentence());
            for (Difference difference : bytes.differences()) diagnostic("diff", difference.sentence());
        }
        for (Finding finding : result.findings()) {
            FindingText text = FindingText.of(finding);
            diagnostic("rule", "%s (%s)%s".formatted(text.rule(), text.severity(),
                    text.says().isEmpty() ? "" : ": " + text.says()));
            diagnostic("source", text.source());
            diagnostic("what", finding.what());
            diagnostic("device", finding.device());
            diagnostic("buffer", finding.buffer());
            diagnostic("site", finding.site());
            diagnostic("chain", CallChain.line(finding.chain()));
            diagnostic("mapped", CallChain.line(finding.mapped()));
            diagnostic("range", text.range());
            diagnostic("times", text.times());
        }
        diagnostic("took", seconds(result.time()) + " s");
    }

    /** With a key first, so that guest text cannot be mistaken for the protocol. */
    private void diagnostic(String key, String text) throws IOException {
        if (!text.isBlank()) print(INDENT, "# %s: %s".formatted(key, Legible.line(text)));
    }

    private void print(String indent, String line) throws IOException {
        out.append(indent).append(line).append('\n').flush();
    }

    private static String name(Cell cell) {
        return cell.what();
    }

    /** With a dot and milliseconds, in any locale. */
    static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%d.%03d", time.toSeconds(), time.toMillisPart());
    }
}
