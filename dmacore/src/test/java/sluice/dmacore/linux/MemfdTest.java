package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class MemfdTest {
    @Test
    void createsAnEmptyCloseOnExecFile() throws Exception {
        try (Fd fd = Memfd.create("test", 0)) {
            assertThat(TestCalls.isCloseOnExec(fd)).isTrue();
            assertThat(FileStatus.of(fd).isRegular()).isTrue();
            assertThat(FileStatus.of(fd).size()).isZero();
        }
    }

    @Test
    void resizesBothWays() throws Exception {
        try (Fd fd = Memfd.create("test", 0)) {
            Memfd.resize(fd, 5L << 30);
            assertThat(FileStatus.of(fd).size()).isEqualTo(5L << 30);
            Memfd.resize(fd, 17);
            assertThat(FileStatus.of(fd).size()).isEqualTo(17);
            assertFails(Errno.EINVAL, "ftruncate", () -> Memfd.resize(fd, -1));
        }
    }

    @Test
    void pagesThatArePunchedAreGoneAndTheOthersStay() throws Exception {
        try (Fd fd = Memfd.create("test", 0); Arena arena = Arena.ofConfined()) {
            Memfd.resize(fd, 1L << 40);
            MemorySegment mapped = Mman.map(fd, 0, 1 << 20, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            mapped.asSlice(0, 4 * Mman.pageSize()).fill((byte) 7);
            Memfd.punch(fd, 0, 3 * Mman.pageSize());
            assertThat(FileStatus.of(fd).size()).isEqualTo(1L << 40);
            int seekData = 3;
            assertThat(Unistd.LSEEK.call(fd.number(), 0, seekData)).as("the first byte that is there")
                    .isEqualTo(3 * Mman.pageSize());
            assertThat(mapped.get(ValueLayout.JAVA_BYTE, 0)).isZero();
            assertThat(mapped.get(ValueLayout.JAVA_BYTE, 3 * Mman.pageSize())).isEqualTo((byte) 7);
            assertFails(Errno.EINVAL, "fallocate", () -> Memfd.punch(fd, 0, 0));
        }
    }

    @Test
    void failuresNameTheCall() throws Exception {
        assertFails(Errno.EINVAL, "memfd_create", () -> Memfd.create("x".repeat(250), 0));
        assertFails(Errno.EINVAL, "memfd_create", () -> Memfd.create("test", 0x4000));
        try (Fd event = EventFd.create()) {
            assertFails(Errno.EINVAL, "ftruncate", () -> Memfd.resize(event, 1));
        }
    }

    @Test
    void aShrinkSealRefusesTruncation() throws Exception {
        try (Fd fd = Memfd.create("test", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, 8192);
            assertThat(Seals.get(fd)).isZero();
            Seals.add(fd, Seals.SHRINK);
            assertThat(Seals.get(fd)).isEqualTo(Seals.SHRINK);
            assertFails(Errno.EPERM, "ftruncate", () -> Memfd.resize(fd, 4096));
            Memfd.resize(fd, 16384);
            Seals.add(fd, Seals.GROW | Seals.SEAL);
            assertFails(Errno.EPERM, "ftruncate", () -> Memfd.resize(fd, 32768));
            assertThat(Seals.get(fd)).isEqualTo(Seals.SHRINK | Seals.GROW | Seals.SEAL);
            assertFails(Errno.EPERM, "fcntl", () -> Seals.add(fd, Seals.WRITE));
        }
    }

    @Test
    void withoutTheFlagOnlySealIsSet() throws Exception {
        try (Fd fd = Memfd.create("test", 0)) {
            assertThat(Seals.get(fd)).isEqualTo(Seals.SEAL);
            assertFails(Errno.EPERM, "fcntl", () -> Seals.add(fd, Seals.SHRINK));
        }
    }

    @Test
    void whatHasNoSealsSaysSo() throws Exception {
        try (Fd fd = EventFd.create()) {
            assertThat(Seals.get(fd)).isEqualTo(Seals.NONE_POSSIBLE);
            assertFails(Errno.EINVAL, "fcntl", () -> Seals.add(fd, Seals.SHRINK));
        }
    }

    static void assertFails(int errno, String call, ThrowingCallable code) {
        assertThatThrownBy(code).isInstanceOfSatisfying(ErrnoException.class, e -> {
            assertThat(Errno.name(e.errno())).isEqualTo(Errno.name(errno));
            assertThat(e.call()).isEqualTo(call);
        });
    }
}
