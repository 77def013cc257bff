package sluice.guest.check;

import java.io.StringWriter;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Two kernels side by side. */
class ComparisonTest {
    private static final Finding MISTAKE = new Finding("D21_SYNC_DIRECTION", true, "udmabuf", "dma_map_sg 0x1000", 0, 8,
            4,
            "synced <otherwise>");
    private static final List<Cell> CELLS = Matrix.of(List.of(Matrix.USUAL.getFirst()),
            List.of(Memory.MMAP, Memory.UDMABUF, Memory.DUMB, Memory.HEAP), List.of(Use.SYNC));

    private static CellResult result(Cell cell, Outcome outcome, String reason, List<Finding> findings) {
        return new CellResult(cell, outcome, reason, null, findings, List.of(), Duration.ofSeconds(1));
    }

    /** A kernel on which the cell at an index differs from the others, which pass. */
    private static CheckResult kernel(String release, int index, Outcome outcome, String reason,
            List<Finding> findings) {
        List<CellResult> results = CELLS.stream()
                .map(cell -> CELLS.indexOf(cell) == index
                        ? result(cell, outcome, reason, findings)
                        : result(cell, Outcome.PASS, "", List.of()))
                .toList();
        return new CheckResult(Card.ALL.getFirst(), release, "11", results, Duration.ofSeconds(4));
    }

    private static CheckResult good(String release) {
        return kernel(release, -1, Outcome.PASS, "", List.of());
    }

    @Test
    void equalKernelsDifferInNothing() {
        Comparison same = new Comparison(good("6.12"), good("7.3"));
        assertThat(same.differences()).isEmpty();
        assertThat(same.exitStatus()).isZero();
        assertThat(same.lines()).containsExactly("no cell differs between 6.12 and 7.3");
    }

    @Test
    void anotherOutcomeOrAnotherRuleDiffers() {
        Comparison outcome = new Comparison(good("6.12"), kernel("7.3", 1, Outcome.FAIL, "stale bytes", List.of()));
        assertThat(outcome.exitStatus()).isEqualTo(1);
        assertThat(outcome.lines())
                .containsExactly("iommu-none.direct.coherent.udmabuf.sync: pass on 6.12; fail on 7.3 (stale bytes)");
        Comparison rule = new Comparison(kernel("6.12", 2, Outcome.FAIL, "a", List.of()),
                kernel("7.3", 2, Outcome.FAIL, "a", List.of(MISTAKE)));
        assertThat(rule.differences()).hasSize(1);
        Comparison failAlike = new Comparison(kernel("6.12", 2, Outcome.FAIL, "seen 3 times", List.of(MISTAKE)),
                kernel("7.3", 2, Outcome.FAIL, "seen 4 times", List.of(MISTAKE)));
        assertThat(failAlike.exitStatus()).as("how often it was seen is no difference").isZero();
    }

    @Test
    void aBrokenKernelIsNoDifference() {
        CheckResult broken = kernel("7.3", 0, Outcome.FAIL, CheckResult.KERNEL_SAYS + "Oops: 0000 [#1]", List.of());
        assertThat(new Comparison(good("6.12"), broken).exitStatus()).isEqualTo(255);
        assertThat(new Comparison(broken, good("6.12")).exitStatus()).isEqualTo(255);
    }

    @Test
    void cellsOfOneKernelOnlyAreRefused() {
        CheckResult less = new CheckResult(Card.ALL.getFirst(), "7.3", "11", List.of(), Duration.ZERO);
        assertThatIllegalArgumentException().isThrownBy(() -> new Comparison(good("6.12"), less).differences())
                .withMessageContaining("one of both kernels only");
    }

    @Test
    void thePageHasBothColumnsAndLinksToEach() throws Exception {
        Comparison comparison = new Comparison(good("6.12"),
                kernel("7.3", 1, Outcome.FAIL, "<stale>", List.of(MISTAKE)));
        StringWriter page = new StringWriter();
        new ComparisonReport(comparison).write(page);
        assertThat(page.toString()).contains("1 of 4 cells differ.", ">6.12</th>", ">7.3</th>", "&lt;stale&gt;",
                "href=\"first/report.html#iommu-none.direct.coherent.udmabuf.sync\"",
                "href=\"other/report.html#iommu-none.direct.coherent.udmabuf.sync\"").doesNotContain("<stale>");
    }
}
