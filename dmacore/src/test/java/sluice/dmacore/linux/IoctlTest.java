package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.junit.jupiter.api.Test;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Requests from {@code asm-generic/ioctls.h}. */
class IoctlTest {
    private static final long TCGETS = 0x5401;
    private static final long FIONREAD = 0x541b;
    private static final long FIONCLEX = 0x5450;
    private static final long FIOCLEX = 0x5451;

    @Test
    void fillsAStructure() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second(); Arena arena = Arena.ofConfined()) {
            TestCalls.sendText(first, "hello");
            MemorySegment readable = arena.allocate(JAVA_INT);
            assertThat(Ioctl.call(second, FIONREAD, readable)).isZero();
            assertThat(readable.get(JAVA_INT, 0)).isEqualTo(5);
        }
    }

    @Test
    void passesANumber() throws Exception {
        try (Fd fd = Memfd.create("test", 0)) {
            assertThat(Ioctl.call(fd, FIONCLEX, 0)).isZero();
            assertThat(TestCalls.isCloseOnExec(fd)).isFalse();
            assertThat(Ioctl.call(fd, FIOCLEX, 0)).isZero();
            assertThat(TestCalls.isCloseOnExec(fd)).isTrue();
        }
    }

    @Test
    void failures() throws Exception {
        try (Fd fd = Memfd.create("test", 0); Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(64);
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl", () -> Ioctl.call(fd, TCGETS, termios));
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl", () -> Ioctl.call(fd, TCGETS, 0));
        }
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second()) {
            MemfdTest.assertFails(Errno.EFAULT, "ioctl", () -> Ioctl.call(first, FIONREAD, MemorySegment.NULL));
            Arena arena = Arena.ofConfined();
            MemorySegment gone = arena.allocate(4);
            arena.close();
            assertThatThrownBy(() -> Ioctl.call(second, FIONREAD, gone)).isInstanceOf(IllegalStateException.class);
        }
    }
}
