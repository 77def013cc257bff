package sluice.dmacore.space;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.memory.FileMapping;
import sluice.iommu.Targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Slots are counted, hold their files, and keep files apart. */
class FileSlotsTest {
    private static final long PAGE = SpaceFiles.PAGE;
    private static final long TIB = 1L << 40;

    private final SpaceFiles files = new SpaceFiles();
    private final FileSlots slots = new FileSlots();

    @AfterEach
    void close() {
        files.close();
    }

    @Test
    void aFileHasOneSlotHoweverOftenItIsAcquired() throws Exception {
        FileMapping a = files.filled(1, 1);
        FileMapping b = files.filled(1, 2);
        assertThat(slots.acquire(a)).isZero();
        assertThat(slots.acquire(b)).isEqualTo(1);
        assertThat(slots.acquire(a)).isZero();
        slots.release(0);
        assertThat(slots.file(FileSlots.target(0, 5))).as("one use is left").isSameAs(a);
        slots.release(0);
        assertThat(slots.file(FileSlots.target(0, 5))).isNull();
        assertThat(slots.file(FileSlots.target(1, 5))).isSameAs(b);
        assertThat(slots.acquire(b)).as("it keeps its slot").isEqualTo(1);
        assertThat(slots.acquire(a)).as("the free slot is used again").isZero();
        for (int slot : new int[]{ 0, 1, 1 }) slots.release(slot);
    }

    @Test
    void aSlotHoldsItsFile() throws Exception {
        FileMapping file = files.filled(1, 1);
        slots.acquire(file);
        slots.acquire(file);
        files.letGo();
        assertThat(file.segment().scope().isAlive()).isTrue();
        slots.release(0);
        assertThat(file.segment().scope().isAlive()).isTrue();
        slots.release(0);
        files.awaitGone();
        assertThat(file.segment().scope().isAlive()).isFalse();
    }

    @Test
    void aSlotIsNotReleasedMoreOftenThanAcquired() throws Exception {
        FileMapping file = files.filled(1, 1);
        slots.acquire(file);
        slots.release(0);
        assertThatThrownBy(() -> slots.release(0)).isInstanceOf(IllegalStateException.class)
                .hasMessage("slot 0 was released more often than acquired");
        assertThat(slots.acquire(file)).as("nothing was broken").isZero();
        slots.release(0);
    }

    @Test
    void aTargetIsASlotAndAnOffset() {
        for (int slot : new int[]{ 0, 1, FileSlots.COUNT - 1 }) {
            for (long offset : new long[]{ 0, PAGE, TIB - 1 }) {
                long target = FileSlots.target(slot, offset);
                assertThat(target).isBetween(0L, Targets.MAX);
                assertThat(FileSlots.offset(target)).isEqualTo(offset);
            }
        }
    }

    /** Targets that follow each other are taken for neighbours: the end of a file must not meet the beginning of another. */
    @Test
    void noTwoFilesAreNeighbours() {
        for (int slot = 0; slot < FileSlots.COUNT - 1; slot++)
            assertThat(FileSlots.target(slot, TIB - 1) + 1).isNotEqualTo(FileSlots.target(slot + 1, 0));
    }

    @Test
    void thereAreOnlySoManySlots() throws Exception {
        for (int slot = 0; slot < FileSlots.COUNT; slot++)
            assertThat(slots.acquire(files.sparse(PAGE))).isEqualTo(slot);
        FileMapping more = files.sparse(PAGE);
        assertThat(slots.acquire(more)).isEqualTo(-1);
        slots.release(77);
        assertThat(slots.acquire(more)).isEqualTo(77);
        for (int slot = 0; slot < FileSlots.COUNT; slot++) slots.release(slot);
    }

    @Test
    void aFileOfUpTo1TiBFits() throws Exception {
        assertThat(slots.acquire(files.sparse(TIB + PAGE))).isEqualTo(-1);
        FileMapping largest = files.sparse(TIB);
        assertThat(slots.acquire(largest)).isZero();
        slots.release(0);
    }

    @Test
    void thereAreMoreThanAllFrontEndsOfAProcessMayMap() {
        assertThat(Resource.FILES.limit()).isLessThanOrEqualTo(FileSlots.COUNT - 512);
    }
}
