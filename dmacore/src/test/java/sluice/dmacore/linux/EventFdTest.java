package sluice.dmacore.linux;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        try (Fd fd = EventFd.create()) {
            TestCalls.fill(fd);
            EventFd.signal(fd);
            EventFd.signal(fd);
            // The kernel's own signal may fill the last place, too, which a write may not.
            assertThat(EventFd.drain(fd)).isEqualTo(-1);
            EventFd.signal(fd);
            assertThat(EventFd.drain(fd)).isEqualTo(1);
        }
    }

    /** What a peer can do with an eventfd that it has given away and kept. */
    @Test
    void aFullCounterThatWasMadeBlockingDoesNotHoldUpItsSignaller() throws Exception {
        try (Fd fd = EventFd.create(); Fd peers = fd.duplicate()) {
            UnixSocket.setBlocking(peers);
            TestCalls.fill(peers);
            CompletableFuture<Void> signalled = run(() -> EventFd.signal(fd));
            try {
                signalled.get(10, TimeUnit.SECONDS);
            } finally {
                // Frees a signaller that waits after all, before its descriptor is closed.
                EventFd.drain(peers);
            }
        }
    }

    @Test
    void everySignalOfManyThreadsIsCounted() throws Exception {
        int each = 5000;
        try (Fd fd = EventFd.create()) {
            List<CompletableFuture<Void>> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                threads.add(run(() -> {
                    for (int n = 0; n < each; n++) EventFd.signal(fd);
                }));
            }
            for (CompletableFuture<Void> thread : threads) thread.get(60, TimeUnit.SECONDS);
            assertThat(EventFd.drain(fd)).isEqualTo(4L * each);
        }
    }

    /** Where there is no AIO: the thread waits, and the others go on. A critical call would stop the JVM for ever. */
    @Test
    void aWriteThatWaitsDoesNotKeepTheJvmFromCollecting(@TempDir Path folder) throws Exception {
        ChildJvm.Result result = ChildJvm.run(ChildJvm.command(List.of(), List.of(), EventFdChild.class),
                folder.resolve("output"), Duration.ofSeconds(60));
        assertThat(result.output()).isEqualTo("waits=true\ncollected\nfreed=true\n");
    }

    private static CompletableFuture<Void> run(ThrowingCallable task) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                task.call();
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return done;
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
            MemfdTest.assertFails(Errno.EINVAL, "io_submit", () -> EventFd.signal(signals));
            MemfdTest.assertFails(Errno.EINVAL, "write", () -> EventFd.signalByWriting(signals));
            // Not a counter: an empty file reads 0 bytes.
            MemfdTest.assertFails(Errno.EINVAL, "read", () -> EventFd.drain(memory));
        }
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first()) {
            pair.second().close();
            // MSG_NOSIGNAL cannot be given to write(2), but the JVM ignores SIGPIPE.
            MemfdTest.assertFails(Errno.EPIPE, "write", () -> EventFd.signalByWriting(first));
            MemfdTest.assertFails(Errno.EINVAL, "io_submit", () -> EventFd.signal(first));
        }
    }
}
