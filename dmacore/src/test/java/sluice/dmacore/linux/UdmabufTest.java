package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Udmabuf.Part;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Buffers over memfds, on a kernel with the device; ROWS.md lists the kernel's own cases. */
@Tag("guest")
@Tag("S22")
class UdmabufTest {
    private static final long PAGE = Mman.pageSize();
    private static final long HUGE_PAGE = 2 << 20;
    private static final int PARTS = 4;
    private static final int PAGES_OF_A_PART = 4;
    private static final Path PARAMETERS = Path.of("/sys/module/udmabuf/parameters");
    private static final String CREATE = "ioctl UDMABUF_CREATE";
    private static final String CREATE_LIST = "ioctl UDMABUF_CREATE_LIST";

    private final Udmabuf device;
    private final Fd memfd;

    UdmabufTest() throws IOException {
        device = Udmabuf.open();
        memfd = sealed(4 * PAGE, 0);
    }

    @AfterEach
    void close() {
        memfd.close();
        device.close();
    }

    private static Fd sealed(long bytes, int flags) throws IOException {
        Fd fd = Memfd.create("udmabuf", Memfd.ALLOW_SEALING | flags);
        Seals.add(fd, Seals.SHRINK);
        Memfd.resize(fd, bytes);
        return fd;
    }

    @Test
    void anOffsetInsideAPageIsRefused() {
        assertRefused(CREATE, Errno.EINVAL, "begins at offset 0x800", () -> device.create(memfd, PAGE / 2, PAGE));
    }

    @Test
    void aSizeThatIsNoMultipleOfPagesIsRefused() {
        assertRefused(CREATE, Errno.EINVAL, "has 0x800 bytes", () -> device.create(memfd, 0, PAGE / 2));
    }

    @Test
    void whatIsNoMemoryFileIsRefused() throws Exception {
        try (Fd zero = TestCalls.open(Path.of("/dev/zero"), TestCalls.O_RDWR); Fd event = EventFd.create()) {
            assertRefused(CREATE, Errno.EBADFD, "not a memfd", () -> device.create(zero, 0, 4 * PAGE));
            assertRefused(CREATE, Errno.EBADFD, "not a memfd", () -> device.create(event, 0, 4 * PAGE));
        }
    }

    @Test
    void aBufferHasTheSizeAskedFor() throws Exception {
        try (Fd buffer = device.create(memfd, PAGE, 2 * PAGE)) {
            assertThat(DmaBufFile.isDmaBuf(buffer)).isTrue();
            assertThat(DmaBufFile.size(buffer)).isEqualTo(2 * PAGE);
            assertThat(TestCalls.isCloseOnExec(buffer)).isTrue();
            DmaBufInfo info = DmaBufFile.info(buffer);
            assertThat(info).isEqualTo(new DmaBufInfo(2 * PAGE, 1, "udmabuf", null));
        }
    }

    /** A memfd of 1024 pages; the buffer's parts are at the beginnings of its quarters. */
    @Test
    void partsOfAFileAreItsPagesInOrder() throws Exception {
        try (Fd large = sealed(1024 * PAGE, 0); Arena arena = Arena.ofConfined()) {
            assertPartsAreShared(large, 1024 * PAGE, PAGE, false, arena);
        }
    }

    /** Huge pages are written before and after they are pinned by a buffer of small pieces of them; or only after. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void partsOfHugePagesAreTheirPagesInOrder(boolean pinnedFirst) throws Exception {
        try (Fd huge = sealed(16 * HUGE_PAGE, Memfd.HUGETLB); Arena arena = Arena.ofConfined()) {
            assertPartsAreShared(huge, 16 * HUGE_PAGE, HUGE_PAGE, pinnedFirst, arena);
        }
    }

    private void assertPartsAreShared(Fd file, long bytes, long pageOfFile, boolean pinnedFirst, Arena arena)
            throws Exception {
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < PARTS; i++) parts.add(new Part(file, i * (bytes / PARTS), PAGES_OF_A_PART * PAGE));
        MemorySegment before = Mman.map(file, 0, bytes, Mman.PROT_READ | Mman.PROT_WRITE, arena);
        if (!pinnedFirst) touch(before, pageOfFile, 'a');
        try (Fd buffer = device.create(parts)) {
            long size = (long) PARTS * PAGES_OF_A_PART * PAGE;
            assertThat(DmaBufFile.size(buffer)).isEqualTo(size);
            MemorySegment shared = Mman.map(buffer, 0, size, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            touch(before, pageOfFile, 'a');
            touch(before, pageOfFile, 'b');
            DmaBufFile.syncStart(buffer, SyncAccess.READ_WRITE);
            for (int page = 0; page < PARTS * PAGES_OF_A_PART; page++) {
                long inFile = page / PAGES_OF_A_PART * (bytes / PARTS) + page % PAGES_OF_A_PART * PAGE;
                assertThat(shared.get(JAVA_BYTE, page * PAGE)).as("page %d", page)
                        .isEqualTo(before.get(JAVA_BYTE, inFile));
                shared.set(JAVA_BYTE, page * PAGE + 1, (byte) page);
                assertThat(before.get(JAVA_BYTE, inFile + 1)).as("page %d, by the buffer", page).isEqualTo((byte) page);
            }
            assertThat(shared.get(JAVA_BYTE, 0)).isEqualTo((byte) 'b');
            DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);
        }
    }

    private static void touch(MemorySegment file, long pageBytes, char value) {
        for (long at = 0; at < file.byteSize(); at += pageBytes) file.set(JAVA_BYTE, at, (byte) value);
    }

    @Test
    void aFileThatCouldShrinkIsRefused() throws Exception {
        try (Fd free = Memfd.create("free", Memfd.ALLOW_SEALING)) {
            Memfd.resize(free, PAGE);
            assertRefused(CREATE, Errno.EINVAL, "lacks the seal F_SEAL_SHRINK", () -> device.create(free, 0, PAGE));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { Seals.WRITE, Seals.FUTURE_WRITE })
    @Tag("M32")
    void aFileThatNobodyMayWriteIsRefused(int seal) throws Exception {
        Seals.add(memfd, seal);
        assertRefused(CREATE, Errno.EINVAL, "sealed against writing", () -> device.create(memfd, 0, PAGE));
    }

    @Test
    @Tag("M18")
    void whatLiesBehindTheFileIsRefused() {
        assertRefused(CREATE, Errno.EINVAL, "0x1000 to 0x5000 of a file that has only 0x4000",
                () -> device.create(memfd, PAGE, 4 * PAGE));
        assertRefused(CREATE_LIST, Errno.EINVAL, "part 1 needs the bytes 0x4000 to 0x5000",
                () -> device.create(List.of(new Part(memfd, 0, PAGE), new Part(memfd, 4 * PAGE, PAGE))));
    }

    @Test
    void aBufferOfNothingIsRefused() {
        assertRefused(CREATE, Errno.EINVAL, "have none", () -> device.create(memfd, 0, 0));
        assertRefused(CREATE_LIST, Errno.EINVAL, "0 parts have none", () -> device.create(List.of()));
    }

    @Test
    void aListHas1024PartsAtMost() throws Exception {
        Part page = new Part(memfd, PAGE, PAGE);
        try (Fd buffer = device.create(Collections.nCopies(1024, page))) {
            assertThat(DmaBufFile.size(buffer)).isEqualTo(1024 * PAGE);
        }
        assertRefused(CREATE_LIST, Errno.EINVAL, "at most 1024 parts, but these are 1025",
                () -> device.create(Collections.nCopies(1025, page)));
    }

    /** Its default differs from kernel to kernel, so the test sets one. */
    @Test
    void aBufferLargerThanTheLimitIsRefused() throws Exception {
        Path limit = PARAMETERS.resolve("size_limit_mb");
        String before = Files.readString(limit);
        try (Fd file = sealed((1 << 20) + PAGE, 0)) {
            Files.writeString(limit, "1\n");
            try (Fd buffer = device.create(file, 0, 1 << 20)) {
                assertThat(DmaBufFile.size(buffer)).isEqualTo(1 << 20);
            }
            assertRefused(CREATE, Errno.EINVAL, "257 pages, but a buffer has at most 1 MiB",
                    () -> device.create(file, 0, (1 << 20) + PAGE));
        } finally {
            Files.writeString(limit, before);
        }
    }

    @Test
    @Tag("M31")
    void theSamePagesMayBeExportedTwice() throws Exception {
        try (Fd one = device.create(List.of(new Part(memfd, 0, PAGE), new Part(memfd, 0, PAGE)));
                Fd other = device.create(memfd, 0, PAGE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment twice = Mman.map(one, 0, 2 * PAGE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            MemorySegment once = Mman.map(other, 0, PAGE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            twice.set(JAVA_BYTE, 5, (byte) 42);
            assertThat(twice.get(JAVA_BYTE, PAGE + 5)).isEqualTo((byte) 42);
            assertThat(once.get(JAVA_BYTE, 5)).isEqualTo((byte) 42);
            assertThat(FileStatus.of(one).inode()).isNotEqualTo(FileStatus.of(other).inode());
        }
    }

    @Test
    void aBufferOutlivesItsFileAndTheDevice() throws Exception {
        try (Fd buffer = device.create(memfd, 0, PAGE); Arena arena = Arena.ofConfined()) {
            memfd.close();
            device.close();
            MemorySegment shared = Mman.map(buffer, 0, PAGE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            shared.set(JAVA_BYTE, PAGE - 1, (byte) 7);
            assertThat(shared.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 7);
        }
    }

    @Test
    void theShrinkSealHoldsUnderABuffer() throws Exception {
        try (Fd _ = device.create(memfd, 0, 4 * PAGE)) {
            MemfdTest.assertFails(Errno.EPERM, "ftruncate", () -> Memfd.resize(memfd, PAGE));
        }
    }

    @Test
    void unknownRequestsAndBadAddressesAreRefused() throws Exception {
        MemfdTest.assertFails(Errno.ENOTTY, "ioctl", () -> Ioctl.call(device.device(), 0x4018_7544L, 0));
        MemfdTest.assertFails(Errno.EFAULT, CREATE,
                () -> Ioctl.call(device.device(), Udmabuf.CREATE, MemorySegment.NULL));
        MemfdTest.assertFails(Errno.EFAULT, CREATE_LIST,
                () -> Ioctl.call(device.device(), Udmabuf.CREATE_LIST, MemorySegment.NULL));
        MemfdTest.assertFails(Errno.EINVAL, "read", () -> EventFd.drain(device.device()));
    }

    private static void assertRefused(String call, int errno, String why,
            ThrowingCallable create) {
        int open = Fd.openCount();
        MemfdTest.assertFails(errno, call, create);
        assertThatThrownBy(create).hasMessageContaining(why);
        assertThat(Fd.openCount()).as("descriptors owned").isEqualTo(open);
    }
}
