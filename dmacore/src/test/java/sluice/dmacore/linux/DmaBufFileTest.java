package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The kernel's behaviour for dma-bufs of any exporter, as far as the project relies on it. */
@Tag("guest")
@ParameterizedClass(name = "{0}")
@EnumSource
class DmaBufFileTest {
    private static final long PAGE = Mman.pageSize();
    private static final long SIZE = 4 * PAGE;
    private static final String SYNC = "ioctl DMA_BUF_IOCTL_SYNC";
    private static final NativeCall MMAP = NativeCall.returningLong("mmap");

    /** Whose buffer. */
    enum Exporter {
        UDMABUF,
        SYSTEM_HEAP;

        Fd buffer() throws IOException {
            if (this == SYSTEM_HEAP) {
                try (DmaHeap heap = DmaHeap.open("system")) {
                    return heap.allocate(SIZE);
                }
            }
            try (Udmabuf device = Udmabuf.open(); Fd memfd = Memfd.create("test", Memfd.ALLOW_SEALING)) {
                Memfd.resize(memfd, SIZE);
                Seals.add(memfd, Seals.SHRINK);
                return device.create(memfd, 0, SIZE);
            }
        }
    }

    private final Exporter exporter;
    private final Fd buffer;

    DmaBufFileTest(Exporter exporter) throws IOException {
        this.exporter = exporter;
        buffer = exporter.buffer();
    }

    @AfterEach
    void close() {
        buffer.close();
    }

    @ParameterizedTest
    @EnumSource
    void aBracketOfEachKindIsTaken(SyncAccess access) throws Exception {
        DmaBufFile.syncStart(buffer, access);
        DmaBufFile.syncEnd(buffer, access);
    }

    /** No direction at all, flags that do not exist, and such above 32 bits. */
    @ParameterizedTest
    @ValueSource(longs = { 0, 4, 8, 8 | 3, 1L << 32 | 3, -1 })
    void syncRefusesOtherFlags(long flags) {
        MemfdTest.assertFails(Errno.EINVAL, SYNC, () -> DmaBufFile.sync(buffer, flags));
    }

    @Test
    void syncNeedsAnArgument() {
        MemfdTest.assertFails(Errno.EFAULT, SYNC, () -> Ioctl.call(buffer, DmaBufFile.SYNC, MemorySegment.NULL));
    }

    /**
     * Only udmabuf checks whether a bracket was ever opened; the kernel does not count. So the core checks the balance.
     */
    @Test
    @Tag("S26")
    void theKernelDoesNotKeepTheBalance() throws Exception {
        if (exporter == Exporter.UDMABUF) {
            MemfdTest.assertFails(Errno.EINVAL, SYNC, () -> DmaBufFile.syncEnd(buffer, SyncAccess.WRITE));
        } else {
            DmaBufFile.syncEnd(buffer, SyncAccess.WRITE);
        }
        DmaBufFile.syncStart(buffer, SyncAccess.READ);
        DmaBufFile.syncStart(buffer, SyncAccess.READ);
        DmaBufFile.syncEnd(buffer, SyncAccess.WRITE);
        DmaBufFile.syncEnd(buffer, SyncAccess.WRITE);
        DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);
    }

    @Test
    void aNameHas31BytesAtMost() throws Exception {
        assertThat(DmaBufFile.info(buffer).name()).isNull();
        DmaBufFile.setName(buffer, "x".repeat(31));
        assertThat(DmaBufFile.info(buffer).name()).isEqualTo("x".repeat(31));
        MemfdTest.assertFails(Errno.EINVAL, "ioctl DMA_BUF_SET_NAME_B",
                () -> DmaBufFile.setName(buffer, "y".repeat(32)));
        assertThatThrownBy(() -> DmaBufFile.setName(buffer, "\u00fc".repeat(16)))
                .hasMessageContaining("at most 31 bytes").hasMessageContaining("has 32");
        assertThat(DmaBufFile.info(buffer).name()).isEqualTo("x".repeat(31));
        DmaBufFile.setName(buffer, "frame");
        assertThat(DmaBufFile.info(buffer).name()).isEqualTo("frame");
        MemfdTest.assertFails(Errno.EFAULT, "ioctl DMA_BUF_SET_NAME_B",
                () -> Ioctl.call(buffer, DmaBufFile.SET_NAME, MemorySegment.NULL));
    }

    @Test
    void infoCountsTheDescriptors() throws Exception {
        DmaBufInfo info = DmaBufFile.info(buffer);
        assertThat(info.size()).isEqualTo(SIZE);
        assertThat(info.exporter()).isEqualTo(exporter == Exporter.UDMABUF ? "udmabuf" : "system");
        assertThat(info.holders()).as("open files, of which there is one").isEqualTo(1);
        try (Fd _ = buffer.duplicate()) {
            assertThat(DmaBufFile.info(buffer).holders()).isEqualTo(2);
        }
    }

    @Test
    void unknownRequestsAreRefused() {
        MemfdTest.assertFails(Errno.ENOTTY, "ioctl UNKNOWN",
                () -> Ioctl.call(buffer, IoctlRequest.write("UNKNOWN", 'b', 99, 8), MemorySegment.NULL));
    }

    @Test
    void seekingTellsTheSizeAndNothingElse() throws Exception {
        assertThat(DmaBufFile.size(buffer)).isEqualTo(SIZE);
        assertThat(seek(0, Unistd.SEEK_SET)).isZero();
        assertThat(seek(1, Unistd.SEEK_SET)).isEqualTo(-Errno.EINVAL);
        assertThat(seek(0, Unistd.SEEK_CUR)).isEqualTo(-Errno.EINVAL);
        assertThat(seek(-1, Unistd.SEEK_END)).isEqualTo(-Errno.EINVAL);
        assertThat(DmaBufFile.size(buffer)).isEqualTo(SIZE);
    }

    private long seek(long offset, int whence) {
        return Unistd.LSEEK.call(buffer.number(), offset, whence);
    }

    @Test
    void itIsNoFileToRead() {
        MemfdTest.assertFails(Errno.EINVAL, "read", () -> EventFd.drain(buffer));
    }

    @Test
    @Tag("S34")
    void anIdleBufferIsReadyForBoth() throws Exception {
        short both = DmaBufFile.POLLIN | DmaBufFile.POLLOUT;
        assertThat(DmaBufFile.poll(buffer, both, Duration.ZERO)).isEqualTo(both);
        for (SyncAccess access : SyncAccess.values()) {
            assertThat(DmaBufFile.awaitIdle(buffer, access, Duration.ZERO)).isTrue();
        }
    }

    @Test
    @Tag("S34")
    void anIdleBufferGivesASignalledSyncFile() throws Exception {
        for (SyncAccess access : SyncAccess.values()) {
            try (Fd fence = DmaBufFile.exportSyncFile(buffer, access)) {
                assertThat(TestCalls.awaitReadable(fence, Duration.ZERO)).as("signalled").isTrue();
                assertThat(TestCalls.isCloseOnExec(fence)).isTrue();
                DmaBufFile.importSyncFile(buffer, access, fence);
            }
        }
        assertThat(DmaBufFile.awaitIdle(buffer, SyncAccess.WRITE, Duration.ZERO)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 4, 8 | 1 })
    @Tag("S34")
    void syncFilesOfOtherFlagsAreRefused(int flags) throws Exception {
        MemfdTest.assertFails(Errno.EINVAL, "ioctl DMA_BUF_IOCTL_EXPORT_SYNC_FILE",
                () -> DmaBufFile.exportSyncFile(buffer, flags));
        try (Fd fence = DmaBufFile.exportSyncFile(buffer, SyncAccess.READ)) {
            MemfdTest.assertFails(Errno.EINVAL, "ioctl DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
                    () -> DmaBufFile.importSyncFile(buffer, flags, fence.number()));
        }
    }

    @Test
    @Tag("S34")
    void whatIsNoSyncFileIsNotImported() throws Exception {
        try (Fd memfd = Memfd.create("test", 0)) {
            MemfdTest.assertFails(Errno.EINVAL, "ioctl DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
                    () -> DmaBufFile.importSyncFile(buffer, SyncAccess.READ, memfd));
            MemfdTest.assertFails(Errno.EINVAL, "ioctl DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
                    () -> DmaBufFile.importSyncFile(buffer, SyncAccess.READ.flags(), -1));
        }
    }

    @Test
    @Tag("M26")
    void mappingsStayInsideTheBuffer() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = Mman.map(buffer, 0, SIZE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            MemorySegment last = Mman.map(buffer, SIZE - PAGE, PAGE, Mman.PROT_READ, arena);
            all.set(JAVA_BYTE, SIZE - 1, (byte) 3);
            assertThat(last.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 3);
        }
        int both = Mman.PROT_READ | Mman.PROT_WRITE;
        assertThat(mmap(PAGE, both, Mman.MAP_SHARED, SIZE)).as("behind the end").isEqualTo(-Errno.EINVAL);
        assertThat(mmap(SIZE + PAGE, both, Mman.MAP_SHARED, 0)).as("over the end").isEqualTo(-Errno.EINVAL);
        assertThat(mmap(2 * PAGE, both, Mman.MAP_SHARED, SIZE - PAGE)).as("over the end").isEqualTo(-Errno.EINVAL);
        assertThat(mmap(SIZE, both, Mman.MAP_SHARED, -PAGE)).as("wrapped around").isEqualTo(-Errno.EOVERFLOW);
    }

    /** A window behind the buffer's end, for mappings whose caches one manages oneself, was proposed in 2012 and is not there. */
    @Test
    @Tag("S32")
    void thereIsNoSecondWindow() {
        assertThat(mmap(SIZE, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, SIZE)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void aPrivateMappingIsRefused() {
        assertThat(mmap(SIZE, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_PRIVATE, 0)).isEqualTo(-Errno.EINVAL);
    }

    private long mmap(long length, int protection, int flags, long offset) {
        return MMAP.call(0, length, protection, flags, buffer.number(), offset);
    }

    @Test
    void itHasAnIdentityOfItsOwn() throws Exception {
        try (Fd twin = buffer.duplicate(); Fd other = exporter.buffer()) {
            assertThat(FileStatus.of(twin)).isEqualTo(FileStatus.of(buffer));
            assertThat(FileStatus.of(other).inode()).isNotEqualTo(FileStatus.of(buffer).inode());
            assertThat(FileStatus.of(other).device()).isEqualTo(FileStatus.of(buffer).device());
            assertThat(FileStatus.of(buffer).isRegular()).isFalse();
            assertThat(DmaBufFile.isDmaBuf(twin)).isTrue();
        }
    }
}
