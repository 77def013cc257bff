package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class MmanTest {
    private static final long PAGE = Mman.pageSize();
    private static final int READ_WRITE = Mman.PROT_READ | Mman.PROT_WRITE;

    @Test
    void mappingsOfOneFileShareMemory() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment whole;
            MemorySegment second;
            try (Fd fd = memory(4 * PAGE)) {
                whole = Mman.map(fd, 0, 4 * PAGE, READ_WRITE, arena);
                second = Mman.map(fd, PAGE, PAGE, Mman.PROT_READ, arena);
            }
            assertThat(whole.byteSize()).isEqualTo(4 * PAGE);
            whole.set(JAVA_INT, PAGE + 8, 0xcafe);
            assertThat(second.get(JAVA_INT, 8)).isEqualTo(0xcafe);
            assertThat(second.isReadOnly()).isTrue();
            assertThatThrownBy(() -> second.set(JAVA_INT, 8, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> whole.get(JAVA_BYTE, 4 * PAGE)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void scatteredPagesAreMappedAgainInOnePiece() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment whole;
            MemorySegment one = Mman.mapAnonymous(4 * PAGE, arena);
            try (Arena first = Arena.ofShared(); Fd fd = memory(4 * PAGE)) {
                whole = Mman.map(fd, 0, 4 * PAGE, READ_WRITE, arena);
                MemorySegment source = Mman.map(fd, 0, 4 * PAGE, READ_WRITE, first);
                for (int i = 0; i < 3; i++) Mman.mapAgain(source.asSlice((3L - i) * PAGE, PAGE), one, i * PAGE);
                assertThatThrownBy(() -> Mman.mapAgain(source.asSlice(0, PAGE), one, 4 * PAGE))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> Mman.mapAgain(source.asSlice(8, PAGE), one, 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            for (int i = 0; i < 3; i++) {
                one.set(JAVA_INT, i * PAGE + 4, 100 + i);
                assertThat(whole.get(JAVA_INT, (3L - i) * PAGE + 4)).isEqualTo(100 + i);
            }
            one.set(JAVA_INT, 3 * PAGE, 7);
            assertThat(whole.get(JAVA_INT, 0)).as("pages that were not mapped again are private").isZero();
            Mman.overlayAnonymous(one, 0, 3 * PAGE);
            one.set(JAVA_INT, 4, 5);
            assertThat(whole.get(JAVA_INT, 3 * PAGE + 4)).isEqualTo(100);
        }
    }

    @Test
    void offsetsBeyondFourGigabytes() throws Exception {
        try (Arena arena = Arena.ofShared(); Fd fd = memory(5L << 30)) {
            MemorySegment whole = Mman.map(fd, 0, 5L << 30, READ_WRITE, arena);
            whole.set(JAVA_LONG, (5L << 30) - 8, 42);
            MemorySegment last = Mman.map(fd, (5L << 30) - PAGE, PAGE, READ_WRITE, arena);
            assertThat(last.get(JAVA_LONG, PAGE - 8)).isEqualTo(42);
        }
    }

    @Test
    void closingTheArenaUnmaps() throws Exception {
        long address;
        try (Arena arena = Arena.ofShared(); Fd fd = memory(PAGE)) {
            MemorySegment mapped = Mman.map(fd, 0, PAGE, READ_WRITE, arena);
            address = mapped.address();
            assertThat(isMapped(address)).isTrue();
        }
        assertThat(isMapped(address)).isFalse();
    }

    @Test
    void aClosedArenaLeavesNoMappingBehind() throws Exception {
        try (Fd fd = memory(PAGE)) {
            Arena arena = Arena.ofShared();
            arena.close();
            assertThatThrownBy(() -> Mman.map(fd, 0, PAGE, READ_WRITE, arena))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain("memfd:mman-test");
        }
    }

    @Test
    void anonymousMemoryIsZeroAndPrivate() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment zeros = Mman.mapAnonymous(1L << 30, arena);
            assertThat(zeros.get(JAVA_LONG, (1L << 30) - 8)).isZero();
            zeros.set(JAVA_LONG, 0, 7);
            assertThat(zeros.get(JAVA_LONG, 0)).isEqualTo(7);
        }
    }

    @Test
    void anOverlayHidesTheFileWithoutTouchingIt() throws Exception {
        try (Arena arena = Arena.ofShared(); Fd fd = memory(4 * PAGE)) {
            MemorySegment overlaid = Mman.map(fd, 0, 4 * PAGE, READ_WRITE, arena);
            MemorySegment file = Mman.map(fd, 0, 4 * PAGE, READ_WRITE, arena);
            overlaid.fill((byte) 0x55);
            Mman.overlayAnonymous(overlaid, PAGE, 2 * PAGE);
            assertThat(overlaid.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 0x55);
            assertThat(overlaid.get(JAVA_BYTE, PAGE)).isZero();
            assertThat(overlaid.get(JAVA_BYTE, 3 * PAGE - 1)).isZero();
            assertThat(overlaid.get(JAVA_BYTE, 3 * PAGE)).isEqualTo((byte) 0x55);
            overlaid.set(JAVA_BYTE, PAGE, (byte) 1);
            assertThat(file.get(JAVA_BYTE, PAGE)).isEqualTo((byte) 0x55);
        }
    }

    @Test
    void anOverlayReachesAnOddEnd() throws Exception {
        try (Arena arena = Arena.ofShared(); Fd fd = memory(2 * PAGE)) {
            MemorySegment odd = Mman.map(fd, 0, PAGE + 100, READ_WRITE, arena);
            odd.fill((byte) 1);
            Mman.overlayAnonymous(odd, PAGE, 100);
            assertThat(odd.get(JAVA_BYTE, PAGE + 99)).isZero();
            assertThat(odd.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 1);
        }
    }

    @Test
    void overlayRefusals() throws Exception {
        Arena arena = Arena.ofShared();
        MemorySegment mapped = Mman.mapAnonymous(4 * PAGE, arena);
        assertRefused("start on a page boundary", () -> Mman.overlayAnonymous(mapped, 1, PAGE));
        assertRefused("inside the mapping", () -> Mman.overlayAnonymous(mapped, 0, 5 * PAGE));
        assertRefused("inside the mapping", () -> Mman.overlayAnonymous(mapped, -PAGE, PAGE));
        assertRefused("inside the mapping", () -> Mman.overlayAnonymous(mapped, PAGE, Long.MAX_VALUE));
        assertRefused("whole pages", () -> Mman.overlayAnonymous(mapped, 0, 100));
        assertRefused("1 byte or more", () -> Mman.overlayAnonymous(mapped, 0, 0));
        assertRefused("starts on a page boundary",
                () -> Mman.overlayAnonymous(mapped.asSlice(8, PAGE - 8), 0, PAGE - 8));
        assertRefused("Only a mapping", () -> Mman.overlayAnonymous(MemorySegment.ofArray(new byte[8]), 0, 8));
        arena.close();
        assertThatThrownBy(() -> Mman.overlayAnonymous(mapped, 0, PAGE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void mapRefusals() throws Exception {
        try (Arena arena = Arena.ofShared(); Fd fd = memory(PAGE)) {
            assertRefused("1 byte or more", () -> Mman.map(fd, 0, 0, READ_WRITE, arena));
            assertRefused("1 byte or more", () -> Mman.mapAnonymous(-5, arena));
            assertRefused("multiple of the page size", () -> Mman.map(fd, 12, PAGE, READ_WRITE, arena));
            assertRefused("multiple of the page size", () -> Mman.map(fd, -PAGE, PAGE, READ_WRITE, arena));
            assertRefused("more than a file can hold",
                    () -> Mman.map(fd, Long.MAX_VALUE - PAGE + 1, PAGE, READ_WRITE, arena));
            assertRefused("PROT_READ", () -> Mman.map(fd, 0, PAGE, Mman.PROT_NONE, arena));
            assertRefused("PROT_READ", () -> Mman.map(fd, 0, PAGE, Mman.PROT_WRITE, arena));
            assertRefused("PROT_READ", () -> Mman.map(fd, 0, PAGE, 7, arena));
        }
    }

    @Test
    void kernelRefusals() throws Exception {
        try (Arena arena = Arena.ofShared(); Fd fd = memory(PAGE)) {
            Seals.add(fd, Seals.WRITE);
            MemfdTest.assertFails(Errno.EPERM, "mmap", () -> Mman.map(fd, 0, PAGE, READ_WRITE, arena));
            MemfdTest.assertFails(Errno.ENOMEM, "mmap", () -> Mman.mapAnonymous(1L << 60, arena));
            try (Fd event = EventFd.create();
                    Fd readOnly = TestCalls.open(Path.of("/proc/self/fd/" + fd.number()), TestCalls.O_RDONLY)) {
                MemfdTest.assertFails(Errno.ENODEV, "mmap", () -> Mman.map(event, 0, PAGE, READ_WRITE, arena));
                MemfdTest.assertFails(Errno.EACCES, "mmap", () -> Mman.map(readOnly, 0, PAGE, READ_WRITE, arena));
                assertThat(Mman.map(readOnly, 0, PAGE, Mman.PROT_READ, arena).get(JAVA_BYTE, 0)).isZero();
            }
        }
    }

    @Test
    void aWritableMappingKeepsTheWriteSealAway() throws Exception {
        try (Fd fd = memory(PAGE)) {
            try (Arena arena = Arena.ofShared()) {
                Mman.map(fd, 0, PAGE, READ_WRITE, arena);
                MemfdTest.assertFails(Errno.EBUSY, "fcntl", () -> Seals.add(fd, Seals.WRITE));
                Seals.add(fd, Seals.FUTURE_WRITE);
            }
            Seals.add(fd, Seals.WRITE);
            assertThat(Seals.get(fd)).isEqualTo(Seals.WRITE | Seals.FUTURE_WRITE);
        }
    }

    private static void assertRefused(String sentence, ThrowingCallable code) {
        assertThatThrownBy(code).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(sentence);
    }

    private static Fd memory(long size) throws ErrnoException {
        Fd fd = Memfd.create("mman-test", Memfd.ALLOW_SEALING);
        Memfd.resize(fd, size);
        return fd;
    }

    private static boolean isMapped(long address) throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            long start = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
            long end = Long.parseUnsignedLong(line.substring(line.indexOf('-') + 1, line.indexOf(' ')), 16);
            if (Long.compareUnsigned(start, address) <= 0 && Long.compareUnsigned(address, end) < 0) {
                return line.contains("memfd:mman-test");
            }
        }
        return false;
    }
}
