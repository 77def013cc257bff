package sluice.guest.check;

import java.util.List;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.guest.GuestIommu;
import sluice.guest.Machine;

import static org.assertj.core.api.Assertions.assertThat;

/** What a cell comes to. */
class JudgeTest {
    private static final Setup PLAIN = new Setup(GuestIommu.NONE, false, true);
    private static final Setup NON_COHERENT = new Setup(GuestIommu.NONE, false, false);
    private static final Setup BOUNCED = new Setup(GuestIommu.NONE, true, true);
    private static final Bytes RIGHT = new Bytes(20, 0, 20, 1280, 0, 0, 0);
    private static final Bytes STALE = new Bytes(20, 0, 0, 0, 0, 1280, 0);
    private static final Bytes BROKEN = new Bytes(20, 0, 19, 1279, 0, 0, 1);

    private static Cell cell(Setup setup, Memory memory, Use use) {
        return new Cell(setup, memory, use);
    }

    private static Finding error(String rule) {
        return new Finding(rule, true, "vfg7350", "dma_map_sg 0x1000", 0, 64, 1, "what happened");
    }

    private static Finding hint(String rule) {
        return new Finding(rule, false, "vfg7350", "dma_map_sg 0x1000", 0, 64, 1, "what happened");
    }

    private static CellResult judge(Cell cell, Bytes bytes, long lost, Finding... findings) throws Exception {
        return judge(cell, new Machine.Done(0, List.of()), bytes, List.of(findings), lost, List.of());
    }

    private static CellResult judge(Cell cell, Machine.Done done, @Nullable Bytes bytes, List<Finding> findings,
            long lost, List<Moment> moments) throws Exception {
        Judge judge = new Judge(KnownFaults.shipped());
        return judge.explained(judge.judge(cell, done, bytes, findings, lost, System.nanoTime()).with(moments, 0));
    }

    @Test
    void rightBytesAndNoMistakePass() throws Exception {
        CellResult result = judge(cell(PLAIN, Memory.MMAP, Use.SYNC), RIGHT, 0, hint("NEVER_WRITTEN"),
                hint("SAME_PAGES_TWICE"), hint("NEVER_FETCHED"));
        assertThat(result.outcome()).isEqualTo(Outcome.PASS);
        assertThat(result.reason()).isEmpty();
        assertThat(result.findings()).as("hints explain nothing where nothing is wrong").isEmpty();
    }

    @Test
    void aMistakeFailsThoughTheBytesAreRight() throws Exception {
        CellResult result = judge(cell(PLAIN, Memory.MMAP, Use.SYNC), RIGHT, 0,
                error("MISSING_SYNC_FOR_DEVICE"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).isEqualTo("MISSING_SYNC_FOR_DEVICE: what happened (vfg7350, dma_map_sg)");
    }

    @Test
    void theSameMistakeOverSeveralBuffersIsToldOnce() throws Exception {
        Finding second = new Finding("MISSING_SYNC_FOR_DEVICE", true, "vfg7350", "dma_map_sg 0x2000", 0, 64, 4,
                "what happened");
        CellResult result = judge(cell(PLAIN, Memory.MMAP, Use.SYNC), RIGHT, 0,
                error("MISSING_SYNC_FOR_DEVICE"), second, error("D19_SYNC_NOT_MAPPED"));
        assertThat(result.findings()).extracting(Finding::times).containsExactly(5L, 1L);
        assertThat(result.findings().getFirst().what()).isEqualTo("what happened; so for 2 buffers");
    }

    @Test
    void wrongBytesFailAndWithoutAFindingThatIsSaid() throws Exception {
        CellResult explained = judge(cell(NON_COHERENT, Memory.MMAP, Use.SYNC), STALE, 0,
                hint("NEVER_FETCHED"));
        assertThat(explained.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(explained.reason()).startsWith("0 of 20 buffers right").doesNotContain("nothing was found");
        CellResult silent = judge(cell(NON_COHERENT, Memory.MMAP, Use.SYNC), STALE, 0);
        assertThat(silent.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(silent.reason()).endsWith("nothing was found that explains it");
    }

    @Test
    void aForgottenSyncPassesIfItIsFoundOrDoesNoHarm() throws Exception {
        Cell forgotten = cell(NON_COHERENT, Memory.HEAP, Use.NO_SYNC);
        assertThat(judge(forgotten, RIGHT, 0).outcome()).isEqualTo(Outcome.PASS);
        assertThat(judge(forgotten, STALE, 0, hint("NEVER_FETCHED")).outcome()).isEqualTo(Outcome.PASS);
        CellResult silent = judge(forgotten, STALE, 0, hint("NEVER_WRITTEN"));
        assertThat(silent.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(silent.reason()).contains("nothing was found");
    }

    @Test
    void whatWasNotSeenIsNeverGreen() throws Exception {
        CellResult result = judge(cell(PLAIN, Memory.MMAP, Use.SYNC), RIGHT, 2);
        assertThat(result.outcome()).isEqualTo(Outcome.INCONCLUSIVE);
        assertThat(result.reason()).startsWith("2 calls of the kernel were not seen");
    }

    @Test
    void aProgramThatFailsSaysWhy() throws Exception {
        CellResult result = said(cell(PLAIN, Memory.DUMB, Use.SYNC), 1, null,
                List.of("SLUICE error VIDIOC_QBUF: Bad address"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).isEqualTo("the program says: VIDIOC_QBUF: Bad address");
    }

    @Test
    void aKnownFaultIsToldWithItsCauseAndFails() throws Exception {
        CellResult result = judge(cell(BOUNCED, Memory.UDMABUF, Use.SYNC), STALE, 0,
                error("BOUNCE_NOT_COPIED_BACK"), error("D21_SYNC_DIRECTION"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).startsWith("known: ").contains("drivers/dma-buf/udmabuf.c");
    }

    private static Moment moment(long order, String kind, String buffer, String function, String rule) {
        return new Moment(order, order, kind, "vfg7350", "", buffer, 0, 64, 1, "", "", List.of(function), rule);
    }

    private static CellResult written(Memory memory, String after) throws Exception {
        String rule = "MISSING_SYNC_FOR_DEVICE";
        String buffer = "dma_map_sg 0x1000";
        List<Moment> moments = List.of(moment(1, "CALL", buffer, after + "+0x8f/0xf0 [saa7134]", ""),
                moment(2, "CALL", "dma_map_sg 0x2000", "saa7134_buffer_timeout+0x8f/0xf0 [saa7134]", ""),
                moment(3, "WRITE", buffer, "", rule));
        return judge(cell(PLAIN, memory, Use.SYNC), new Machine.Done(0, List.of()), RIGHT, List.of(error(rule)), 0,
                moments);
    }

    /** A driver that stops a stream and one that forgets a sync differ in the call before the card's write. */
    @Test
    void aKnownFaultIsOfTheCallBefore() throws Exception {
        CellResult stopped = written(Memory.EXPBUF, "saa7134_buffer_timeout");
        assertThat(stopped.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(stopped.reason()).startsWith("known: saa7134 gives").contains("saa7134-core.c");
        assertThat(written(Memory.EXPBUF, "saa7134_buffer_finish").reason()).startsWith("MISSING_SYNC_FOR_DEVICE");
        assertThat(written(Memory.USERPTR, "saa7134_buffer_timeout").reason()).startsWith("MISSING_SYNC_FOR_DEVICE");
    }

    /** What is known of one machine, one exporter or one rule excuses no other, and no bytes that nobody wrote. */
    @Test
    void nothingElseIsExcusedByAKnownFault() throws Exception {
        List<CellResult> others = List.of(
                judge(cell(PLAIN, Memory.UDMABUF, Use.SYNC), STALE, 0, error("D21_SYNC_DIRECTION")),
                judge(cell(BOUNCED, Memory.HEAP, Use.SYNC), STALE, 0, error("BOUNCE_NOT_COPIED_BACK")),
                judge(cell(BOUNCED, Memory.UDMABUF, Use.SYNC), STALE, 0, error("D19_SYNC_NOT_MAPPED")),
                judge(cell(BOUNCED, Memory.UDMABUF, Use.SYNC), BROKEN, 0, error("BOUNCE_NOT_COPIED_BACK")),
                judge(cell(BOUNCED, Memory.UDMABUF, Use.SYNC), new Bytes(20, 1, 19, 1216, 0, 0, 0), 0,
                        error("BOUNCE_NOT_COPIED_BACK")));
        assertThat(others).allSatisfy(result -> {
            assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
            assertThat(result.reason()).doesNotStartWith("known: ");
        });
    }

    private static CellResult said(Cell cell, int status, @Nullable Bytes bytes, List<String> lines,
            Finding... findings) throws Exception {
        return judge(cell, new Machine.Done(status, lines), bytes, List.of(findings), 0, List.of());
    }

    @Test
    void whatAKernelHasNotIsSkippedWithItsReason() throws Exception {
        CellResult result = said(cell(PLAIN, Memory.VGEM, Use.SYNC), 4, null,
                List.of("SLUICE skip no card of the driver vgem: it needs CONFIG_DRM_VGEM"));
        assertThat(result.outcome()).isEqualTo(Outcome.SKIP);
        assertThat(result.reason()).isEqualTo("no card of the driver vgem: it needs CONFIG_DRM_VGEM");
    }

    @Test
    void aLimitOfAKernelIsKnownWhereItIsSaid() throws Exception {
        List<String> full = List.of("SLUICE error VIDIOC_QBUF EINVAL",
                "[    9.1] tw686x 0000:00:04.0: swiotlb buffer is full (sz: 442368 bytes), total 32768 (slots)");
        CellResult limit = said(cell(BOUNCED, Memory.VIVID, Use.SYNC), 1, null, full);
        assertThat(limit.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(limit.reason()).startsWith("known: ").contains("256 KiB");
        assertThat(said(cell(PLAIN, Memory.VIVID, Use.SYNC), 1, null, full).reason()).doesNotStartWith("known: ");
        assertThat(said(cell(BOUNCED, Memory.VIVID, Use.SYNC), 1, null, full.subList(0, 1)).reason())
                .doesNotStartWith("known: ");
    }

    @Test
    void memoryWithoutPagesMayBeRefusedAndNothingElseMay() throws Exception {
        List<String> refused = List.of("SLUICE refused VIDIOC_QBUF EOPNOTSUPP");
        assertThat(said(cell(PLAIN, Memory.BAR, Use.SYNC), 0, null, refused).outcome()).isEqualTo(Outcome.PASS);
        assertThat(said(cell(PLAIN, Memory.BAR, Use.SYNC), 0, null, refused, error("DEVICE_FOREIGN_ADDRESS")).outcome())
                .isEqualTo(Outcome.FAIL);
        assertThat(said(cell(PLAIN, Memory.BAR, Use.SYNC), 0, STALE, List.of()).outcome()).isEqualTo(Outcome.FAIL);
        assertThat(said(cell(PLAIN, Memory.HEAP, Use.SYNC), 0, null, refused).outcome()).isEqualTo(Outcome.FAIL);
    }

    @Test
    void aCallThatMustBeRefusedFailsIfItIsNot() throws Exception {
        Cell tooShort = cell(PLAIN, Memory.HEAP, Use.SHORT);
        assertThat(said(tooShort, 0, RIGHT, List.of("SLUICE refused VIDIOC_QBUF EINVAL")).outcome())
                .isEqualTo(Outcome.PASS);
        CellResult taken = said(tooShort, 0, RIGHT, List.of());
        assertThat(taken.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(taken.reason()).startsWith("the kernel took what it had to refuse");
    }

    /** User space's mistakes excuse wrong bytes that are explained, and never a device that touches what is not its own. */
    @ParameterizedTest
    @EnumSource(names = { "NO_SYNC", "WRONG_SYNC", "CLOSED", "MUNMAP", "FORK", "KILLED" })
    void noMistakeOfUserSpaceLetsADeviceLoose(Use use) throws Exception {
        Cell cell = cell(PLAIN, Memory.HEAP, use);
        assertThat(judge(cell, RIGHT, 0, error("D21_SYNC_DIRECTION")).outcome()).isEqualTo(Outcome.PASS);
        assertThat(judge(cell, STALE, 0, hint("NEVER_FETCHED")).outcome()).isEqualTo(Outcome.PASS);
        for (String rule : List.of("DEVICE_AFTER_UNMAP", "DEVICE_FOREIGN_ADDRESS", "DEVICE_OUTSIDE_MAPPING",
                "DEVICE_AGAINST_DIRECTION", "D25_MAPPED_AT_DETACH")) {
            CellResult result = judge(cell, RIGHT, 0, error(rule));
            assertThat(result.outcome()).as(rule).isEqualTo(Outcome.FAIL);
            assertThat(result.reason()).startsWith(rule);
        }
    }
}
