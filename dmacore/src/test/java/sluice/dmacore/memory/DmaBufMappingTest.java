package sluice.dmacore.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.DmaHeap;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.linux.Udmabuf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Real dma-bufs mapped as guest memory is: once each, within the budget, and showing the very bytes of their memfd. */
@Tag("guest")
@Tag("S22")
class DmaBufMappingTest {
    private static final int PAGE = 4096;
    private static final long SEED = 20261121;

    private final MemoryFiles files = new MemoryFiles(3);

    @AfterEach
    void nothingIsLeftBehind() {
        files.assertNothingIsLeft();
    }

    private static Fd guestMemory(int pages) throws IOException {
        Fd memfd = MemoryFiles.file((long) pages * PAGE);
        Seals.add(memfd, Seals.SHRINK);
        return memfd;
    }

    @Test
    void aDmaBufUnderTwoDescriptorsIsOneMapping() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Fd buffer = heap.allocate(3 * PAGE); Fd twin = buffer.duplicate()) {
            FileMapping one = files.mappings.mapDmaBuf(buffer);
            FileMapping two = files.mappings.mapDmaBuf(twin);
            assertThat(two).isSameAs(one);
            assertThat(one.size()).isEqualTo(3 * PAGE);
            assertThat(one.isShrinkable()).isFalse();
            assertThat(files.mapped()).isEqualTo(1);
            one.release();
            two.release();
        }
    }

    @Test
    void aBufferIsNotTheFileItsPagesComeFrom() throws Exception {
        try (Fd memfd = guestMemory(2);
                Udmabuf device = Udmabuf.open();
                Fd first = device.create(memfd, 0, PAGE);
                Fd second = device.create(memfd, 0, PAGE)) {
            FileMapping memory = files.mappings.map(memfd);
            FileMapping one = files.mappings.mapDmaBuf(first);
            FileMapping two = files.mappings.mapDmaBuf(second);
            assertThat(List.of(memory.id(), one.id(), two.id())).doesNotHaveDuplicates();
            assertThat(files.mapped()).isEqualTo(3);
            try (DmaHeap heap = DmaHeap.open("system"); Fd more = heap.allocate(PAGE)) {
                assertThatThrownBy(() -> files.mappings.mapDmaBuf(more)).isInstanceOf(IOException.class)
                        .hasMessageContaining("of the 3 of this process 0 are free");
            }
            memory.release();
            one.release();
            two.release();
        }
    }

    /** Pages in another order than they have in the file, written from both sides, each inside its bracket. */
    @Test
    void whatOneSideWritesTheOtherReads() throws Exception {
        int[] order = { 5, 2, 3, 0, 7, 7 };
        try (Fd memfd = guestMemory(8);
                Udmabuf device = Udmabuf.open();
                Fd buffer = device.create(Arrays.stream(order)
                        .mapToObj(page -> new Udmabuf.Part(memfd, (long) page * PAGE, PAGE)).toList())) {
            FileMapping memory = files.mappings.map(memfd);
            FileMapping shared = files.mappings.mapDmaBuf(buffer);
            Random random = new Random(SEED);
            byte[] bytes = new byte[8 * PAGE];
            random.nextBytes(bytes);
            memory.segment().copyFrom(MemorySegment.ofArray(bytes));

            DmaBufFile.syncStart(buffer, SyncAccess.READ);
            for (int i = 0; i < order.length; i++) {
                assertThat(shared.segment().asSlice((long) i * PAGE, PAGE)
                        .mismatch(memory.segment().asSlice((long) order[i] * PAGE, PAGE)))
                        .as("page %d of the buffer, seed %d", i, SEED).isEqualTo(-1);
            }
            DmaBufFile.syncEnd(buffer, SyncAccess.READ);

            byte[] page = new byte[PAGE];
            for (int i = 0; i < order.length; i++) {
                random.nextBytes(page);
                DmaBufFile.syncStart(buffer, SyncAccess.WRITE);
                MemorySegment.copy(page, 0, shared.segment(), JAVA_BYTE, (long) i * PAGE, PAGE);
                DmaBufFile.syncEnd(buffer, SyncAccess.WRITE);
                assertThat(memory.segment().asSlice((long) order[i] * PAGE, PAGE).toArray(JAVA_BYTE))
                        .as("page %d of the file, seed %d", order[i], SEED).isEqualTo(page);
            }
            for (int untouched : new int[]{ 1, 4, 6 }) {
                assertThat(memory.segment().asSlice((long) untouched * PAGE, PAGE)
                        .mismatch(MemorySegment.ofArray(bytes).asSlice((long) untouched * PAGE, PAGE)))
                        .as("page %d of the file, seed %d", untouched, SEED).isEqualTo(-1);
            }
            memory.release();
            shared.release();
        }
    }

    @Test
    void aMappingOutlivesEveryDescriptor() throws Exception {
        FileMapping shared;
        FileMapping memory;
        try (Fd memfd = guestMemory(1); Udmabuf device = Udmabuf.open(); Fd buffer = device.create(memfd, 0, PAGE)) {
            memory = files.mappings.map(memfd);
            shared = files.mappings.mapDmaBuf(buffer);
        }
        shared.segment().set(JAVA_BYTE, PAGE - 1, (byte) 42);
        assertThat(memory.segment().get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 42);
        memory.release();
        shared.release();
    }

    @Test
    void aDmaBufIsNoMemoryFileAndTheOtherWayRound() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system");
                Fd buffer = heap.allocate(PAGE);
                Fd memfd = Memfd.create("test", 0)) {
            assertThatThrownBy(() -> files.mappings.map(buffer)).hasMessageContaining("is not a memory file");
            assertThatThrownBy(() -> files.mappings.mapDmaBuf(memfd)).hasMessageContaining("is not a dma-buf");
        }
    }

    @Test
    void aDescriptorThatMayNotWriteIsRefused() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Fd buffer = heap.allocateReadOnly(PAGE)) {
            assertThatThrownBy(() -> files.mappings.mapDmaBuf(buffer))
                    .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EACCES))
                    .hasMessageContaining("get one with O_RDWR");
            assertThat(files.mapped()).isZero();
        }
    }
}
