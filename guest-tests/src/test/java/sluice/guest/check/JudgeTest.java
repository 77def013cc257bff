package sluice.guest.check;

import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.guest.Machine;

import static org.assertj.core.api.Assertions.assertThat;

/** What a cell comes to. */
class JudgeTest {
    private static final Setup PLAIN = new Setup(Setup.Iommu.NONE, false, true);
    private static final Setup NON_COHERENT = new Setup(Setup.Iommu.NONE, false, false);
    private static final Setup BOUNCED = new Setup(Setup.Iommu.NONE, true, true);
    private static final Bytes RIGHT = new Bytes(20, 0, 20, 1280, 0, 0, 0);
    private static final Bytes STALE = new Bytes(20, 0, 0, 0, 0, 1280, 0);
    private static final Bytes BROKEN = new Bytes(20, 0, 19, 1279, 0, 0, 1);

    private static Cell cell(Setup setup, Cell.Memory memory, Cell.Use use) {
        return new Cell(setup, memory, use);
    }

    private static Finding error(String rule) {
        return new Finding(rule, true, "vfg7350", "dma_map_sg 0x1000", 0, 64, 1, "what happened");
    }

    private static Finding hint(String rule) {
        return new Finding(rule, false, "vfg7350", "dma_map_sg 0x1000", 0, 64, 1, "what happened");
    }

    private static CellResult judge(Cell cell, Bytes bytes, long lost, Finding... findings) throws Exception {
        return new Judge(KnownFaults.shipped()).judge(cell, new Machine.Done(0, List.of()), bytes,
                List.of(findings), lost, System.nanoTime());
    }

    @Test
    void rightBytesAndNoMistakePass() throws Exception {
        CellResult result = judge(cell(PLAIN, Cell.Memory.MMAP, Cell.Use.SYNC), RIGHT, 0, hint("NEVER_WRITTEN"),
                hint("SAME_PAGES_TWICE"), hint("NEVER_FETCHED"));
        assertThat(result.outcome()).isEqualTo(Outcome.PASS);
        assertThat(result.reason()).isEmpty();
        assertThat(result.findings()).as("hints explain nothing where nothing is wrong").isEmpty();
    }

    @Test
    void aMistakeFailsThoughTheBytesAreRight() throws Exception {
        CellResult result = judge(cell(PLAIN, Cell.Memory.MMAP, Cell.Use.SYNC), RIGHT, 0,
                error("MISSING_SYNC_FOR_DEVICE"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).isEqualTo("MISSING_SYNC_FOR_DEVICE: what happened (vfg7350, dma_map_sg)");
    }

    @Test
    void theSameMistakeOverSeveralBuffersIsToldOnce() throws Exception {
        Finding second = new Finding("MISSING_SYNC_FOR_DEVICE", true, "vfg7350", "dma_map_sg 0x2000", 0, 64, 4,
                "what happened");
        CellResult result = judge(cell(PLAIN, Cell.Memory.MMAP, Cell.Use.SYNC), RIGHT, 0,
                error("MISSING_SYNC_FOR_DEVICE"), second, error("D19_SYNC_NOT_MAPPED"));
        assertThat(result.findings()).extracting(Finding::times).containsExactly(5L, 1L);
        assertThat(result.findings().getFirst().what()).isEqualTo("what happened; so for 2 buffers");
    }

    @Test
    void wrongBytesFailAndWithoutAFindingThatIsSaid() throws Exception {
        CellResult explained = judge(cell(NON_COHERENT, Cell.Memory.MMAP, Cell.Use.SYNC), STALE, 0,
                hint("NEVER_FETCHED"));
        assertThat(explained.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(explained.reason()).startsWith("0 of 20 buffers right").doesNotContain("nothing was found");
        CellResult silent = judge(cell(NON_COHERENT, Cell.Memory.MMAP, Cell.Use.SYNC), STALE, 0);
        assertThat(silent.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(silent.reason()).endsWith("nothing was found that explains it");
    }

    @Test
    void aForgottenSyncPassesIfItIsFoundOrDoesNoHarm() throws Exception {
        Cell forgotten = cell(NON_COHERENT, Cell.Memory.HEAP, Cell.Use.NO_SYNC);
        assertThat(judge(forgotten, RIGHT, 0).outcome()).isEqualTo(Outcome.PASS);
        assertThat(judge(forgotten, STALE, 0, hint("NEVER_FETCHED")).outcome()).isEqualTo(Outcome.PASS);
        CellResult silent = judge(forgotten, STALE, 0, hint("NEVER_WRITTEN"));
        assertThat(silent.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(silent.reason()).contains("nothing was found");
    }

    @Test
    void whatWasNotSeenIsNeverGreen() throws Exception {
        CellResult result = judge(cell(PLAIN, Cell.Memory.MMAP, Cell.Use.SYNC), RIGHT, 2);
        assertThat(result.outcome()).isEqualTo(Outcome.INCONCLUSIVE);
        assertThat(result.reason()).startsWith("2 calls of the kernel were not seen");
    }

    @Test
    void aProgramThatFailsSaysWhy() throws Exception {
        CellResult result = new Judge(KnownFaults.shipped()).judge(cell(PLAIN, Cell.Memory.DUMB, Cell.Use.SYNC),
                new Machine.Done(1, List.of("SLUICE error VIDIOC_QBUF: Bad address")), null, List.of(), 0,
                System.nanoTime());
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).isEqualTo("the program says: VIDIOC_QBUF: Bad address");
    }

    @Test
    void aKnownFaultIsToldWithItsCauseAndFails() throws Exception {
        CellResult result = judge(cell(BOUNCED, Cell.Memory.UDMABUF, Cell.Use.SYNC), STALE, 0,
                error("BOUNCE_NOT_COPIED_BACK"), error("D21_SYNC_DIRECTION"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).startsWith("known: ").contains("drivers/dma-buf/udmabuf.c");
    }

    /** What is known of one machine, one exporter or one rule excuses no other, and no bytes that nobody wrote. */
    @Test
    void nothingElseIsExcusedByAKnownFault() throws Exception {
        List<CellResult> others = List.of(
                judge(cell(PLAIN, Cell.Memory.UDMABUF, Cell.Use.SYNC), STALE, 0, error("D21_SYNC_DIRECTION")),
                judge(cell(BOUNCED, Cell.Memory.HEAP, Cell.Use.SYNC), STALE, 0, error("BOUNCE_NOT_COPIED_BACK")),
                judge(cell(BOUNCED, Cell.Memory.UDMABUF, Cell.Use.SYNC), STALE, 0, error("D19_SYNC_NOT_MAPPED")),
                judge(cell(BOUNCED, Cell.Memory.UDMABUF, Cell.Use.SYNC), BROKEN, 0, error("BOUNCE_NOT_COPIED_BACK")),
                judge(cell(BOUNCED, Cell.Memory.UDMABUF, Cell.Use.SYNC), new Bytes(20, 1, 19, 1216, 0, 0, 0), 0,
                        error("BOUNCE_NOT_COPIED_BACK")));
        assertThat(others).allSatisfy(result -> {
            assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
            assertThat(result.reason()).doesNotStartWith("known: ");
        });
    }
}
