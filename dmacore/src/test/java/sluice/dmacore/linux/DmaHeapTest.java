package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

/** Buffers of the heap {@code system}, on a kernel that has it; ROWS.md lists the kernel's own cases. */
@Tag("guest")
@Tag("S22")
class DmaHeapTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int BUFFERS = 32;
    private static final String ALLOC = "ioctl DMA_HEAP_IOCTL_ALLOC";
    /** A kernel that hands an fd over only when nothing can fail any more, as all from 7.0 on do; 6.12 does not. */
    private static final boolean PUBLISHES_LAST = !System.getProperty("os.version").startsWith("6.");

    @Test
    void theSystemHeapIsListed() throws Exception {
        assertThat(DmaHeap.names()).contains("system").isSorted();
    }

    @Test
    void anImporterTakesABufferAndTheBracketStillWorks() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system");
                Fd buffer = heap.allocate(MEBIBYTE);
                Vgem vgem = Vgem.open();
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = Mman.map(buffer, 0, MEBIBYTE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            DmaBufFile.syncStart(buffer, SyncAccess.READ_WRITE);
            mapped.asSlice(0, MEBIBYTE / 2).fill((byte) 1);
            mapped.asSlice(MEBIBYTE / 2).fill((byte) 0);
            DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);

            assertThat(vgem.driver()).isEqualTo("vgem");
            long before = DmaBufFile.info(buffer).holders();
            int handle = vgem.attach(buffer);
            assertThat(DmaBufFile.info(buffer).holders()).as("the importer holds the buffer").isGreaterThan(before);

            DmaBufFile.syncStart(buffer, SyncAccess.READ_WRITE);
            assertThat(mapped.get(JAVA_BYTE, MEBIBYTE / 2 - 1)).isEqualTo((byte) 1);
            assertThat(mapped.get(JAVA_BYTE, MEBIBYTE / 2)).isZero();
            mapped.fill((byte) 0xff);
            DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);
            vgem.detach(handle);
            assertThat(DmaBufFile.info(buffer).holders()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 4096, MEBIBYTE })
    void newBuffersAreZero(int size) throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Arena arena = Arena.ofConfined()) {
            List<Fd> buffers = new ArrayList<>();
            try {
                for (int i = 0; i < BUFFERS; i++) {
                    Fd buffer = heap.allocate(size);
                    buffers.add(buffer);
                    try (Arena mapping = Arena.ofConfined()) {
                        MemorySegment mapped = Mman.map(buffer, 0, size, Mman.PROT_READ | Mman.PROT_WRITE, mapping);
                        DmaBufFile.syncStart(buffer, SyncAccess.WRITE);
                        mapped.fill((byte) 0xff);
                        DmaBufFile.syncEnd(buffer, SyncAccess.WRITE);
                    }
                }
            } finally {
                buffers.forEach(Fd::close);
            }
            MemorySegment zeros = arena.allocate(size);
            for (int i = 0; i < BUFFERS; i++) {
                try (Fd buffer = heap.allocate(size); Arena mapping = Arena.ofConfined()) {
                    MemorySegment mapped = Mman.map(buffer, 0, size, Mman.PROT_READ, mapping);
                    DmaBufFile.syncStart(buffer, SyncAccess.READ);
                    assertThat(mapped.mismatch(zeros)).as("first byte of buffer %d that is not 0", i).isEqualTo(-1);
                    DmaBufFile.syncEnd(buffer, SyncAccess.READ);
                }
            }
        }
    }

    /** The kernel fills what a program of an older header does not send with zeros, and ignores what it does not know. */
    @ParameterizedTest
    @ValueSource(ints = { 16, 48 })
    void structuresOfOtherSizesAreAccepted(int bytes) throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(bytes, 8);
            for (long at = 24; at < bytes; at += 8) data.set(JAVA_LONG, at, 0x8888_8888L);
            data.set(JAVA_LONG, DmaHeap.DATA_LEN, MEBIBYTE);
            data.set(JAVA_INT, DmaHeap.DATA_FD_FLAGS, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
            Ioctl.call(heap.device(), IoctlRequest.readWrite("ALLOC", 'H', 0, bytes), data);
            try (Fd buffer = Fd.own(data.get(JAVA_INT, DmaHeap.DATA_FD))) {
                assertThat(DmaBufFile.size(buffer)).isEqualTo(MEBIBYTE);
            }
        }
    }

    @Test
    void whatIsNoHeapIsRefused() throws Exception {
        try (Fd memfd = Memfd.create("test", 0); Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(24, 8);
            MemfdTest.assertFails(Errno.ENOTTY, ALLOC, () -> Ioctl.call(memfd, DmaHeap.ALLOC, data));
        }
    }

    @Test
    void unknownFlagsAreRefused() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system")) {
            int flags = Fcntl.O_RDWR | Fcntl.O_CLOEXEC;
            MemfdTest.assertFails(Errno.EINVAL, ALLOC, () -> heap.allocate(MEBIBYTE, flags, 0x111111));
            MemfdTest.assertFails(Errno.EINVAL, ALLOC, () -> heap.allocate(MEBIBYTE, ~flags, 0));
        }
    }

    @Test
    void aSizeIsRoundedUpToPagesAndNotZero() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Fd buffer = heap.allocate(1)) {
            assertThat(DmaBufFile.size(buffer)).isEqualTo(Mman.pageSize());
            assertThat(DmaBufFile.info(buffer).exporter()).isEqualTo("system");
            assertThat(TestCalls.isCloseOnExec(buffer)).isTrue();
            MemfdTest.assertFails(Errno.EINVAL, ALLOC, () -> heap.allocate(0));
            MemfdTest.assertFails(Errno.EINVAL, ALLOC, () -> heap.allocate(-1)); // rounded up, it is 0 again
        }
    }

    @Test
    void badRequestsAreRefused() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system"); Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(24, 8);
            data.set(JAVA_LONG, DmaHeap.DATA_LEN, MEBIBYTE);
            data.set(JAVA_INT, DmaHeap.DATA_FD, 3);
            MemfdTest.assertFails(Errno.EINVAL, ALLOC, () -> Ioctl.call(heap.device(), DmaHeap.ALLOC, data));
            MemfdTest.assertFails(Errno.EFAULT, ALLOC,
                    () -> Ioctl.call(heap.device(), DmaHeap.ALLOC, MemorySegment.NULL));
            MemfdTest.assertFails(Errno.EINVAL, "ioctl UNKNOWN", () -> Ioctl.call(heap.device(),
                    IoctlRequest.readWrite("UNKNOWN", 'H', 1, 24), data));
        }
    }

    /** The answer cannot be written to the argument: then there must be no descriptor either. */
    @Test
    @Tag("M25")
    void anAnswerThatCannotBeWrittenLeaksNoDescriptor() throws Exception {
        try (DmaHeap heap = DmaHeap.open("system");
                Fd file = Memfd.create("argument", 0);
                Arena arena = Arena.ofConfined()) {
            Memfd.resize(file, Mman.pageSize());
            MemorySegment writable = Mman.map(file, 0, Mman.pageSize(), Mman.PROT_READ | Mman.PROT_WRITE, arena);
            MemorySegment readOnly = Mman.map(file, 0, Mman.pageSize(), Mman.PROT_READ, arena);
            writable.set(JAVA_LONG, DmaHeap.DATA_LEN, MEBIBYTE);
            writable.set(JAVA_INT, DmaHeap.DATA_FD_FLAGS, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
            int before = OpenFiles.count();
            MemfdTest.assertFails(Errno.EFAULT, ALLOC,
                    () -> Ioctl.call(heap.device(), DmaHeap.ALLOC, readOnly.reinterpret(24)));
            assertThat(OpenFiles.count() - before).isEqualTo(PUBLISHES_LAST ? 0 : 1);
        }
    }
}
