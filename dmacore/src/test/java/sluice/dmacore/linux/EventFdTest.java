package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.time.Duration;

import org.junit.jupiter.api.Test;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

class EventFdTest {
    @Test
    void countsSignalsUntilDrained() throws Exception {
        try (Fd fd = EventFd.create()) {
            assertThat(TestCalls.isCloseOnExec(fd)).isTrue();
            assertThat(TestCalls.isNonBlocking(fd)).isTrue();
            assertThat(EventFd.drain(fd)).isZero();
            for (int i = 0; i < 3; i++) {
                EventFd.signal(fd);
            }
            assertThat(TestCalls.awaitReadable(fd, Duration.ZERO)).isTrue();
            assertThat(EventFd.drain(fd)).isEqualTo(3);
            assertThat(EventFd.drain(fd)).isZero();
        }
    }

    @Test
    void aFullCounterIsSignalledAlready() throws Exception {
        try (Fd fd = EventFd.create(); Arena arena = Arena.ofConfined()) {
            long full = -2;
            NativeCall write = NativeCall.returningLong("write");
            assertThat(write.call(fd.number(), arena.allocateFrom(JAVA_LONG, full).address(), 8)).isEqualTo(8);
            EventFd.signal(fd);
            assertThat(EventFd.drain(fd)).isEqualTo(full);
            EventFd.signal(fd);
            assertThat(EventFd.drain(fd)).isEqualTo(1);
        }
    }

    @Test
    void hasANumberThatItsDuplicatesShare() throws Exception {
        try (Fd one = EventFd.create();
                Fd same = one.duplicate();
                Fd other = EventFd.create();
                Fd memory = Memfd.create("no-eventfd", 0)) {
            assertThat(EventFd.id(one)).isPresent().isEqualTo(EventFd.id(same)).isNotEqualTo(EventFd.id(other));
            assertThat(EventFd.id(memory)).isEmpty();
        }
    }

    @Test
    void knowsItsOwnKind() throws Exception {
        try (Fd event = EventFd.create();
                Fd memory = Memfd.create("anon_inode:[eventfd]", 0);
                Fd signals = SignalFd.open(SignalFd.SIGUSR2)) {
            assertThat(EventFd.isEventFd(event)).isTrue();
            assertThat(EventFd.isEventFd(memory)).isFalse();
            assertThat(EventFd.isEventFd(signals)).isFalse();
        }
    }

    @Test
    void whatIsNoEventfdFails() throws Exception {
        try (Fd signals = SignalFd.open(SignalFd.SIGUSR2); Fd memory = Memfd.create("test", 0)) {
            MemfdTest.assertFails(Errno.EINVAL, "write", () -> EventFd.signal(signals));
            // Not a counter: an empty file reads 0 bytes.
            MemfdTest.assertFails(Errno.EINVAL, "read", () -> EventFd.drain(memory));
        }
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first()) {
            pair.second().close();
            // MSG_NOSIGNAL cannot be given to write(2), but the JVM ignores SIGPIPE.
            MemfdTest.assertFails(Errno.EPIPE, "write", () -> EventFd.signal(first));
        }
    }
}
