package sluice.vdev.io;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.host.Loops;

import static org.assertj.core.api.Assertions.assertThat;

/** An action that requests its next round repeatedly does not starve the loop's descriptors. */
class NextRoundTest {
    private static final int ROUNDS = 1000;
    private static final int SIGNALLED_AT = 100;

    private final IoEventLoop loop = Loops.start("rounds");

    @AfterEach
    void stop() {
        Loops.stop(loop);
    }

    /** An action that requests itself, and another descriptor that becomes readable meanwhile. */
    private final class Busy {
        private final NextRound next = new NextRound(loop, this::run);
        private final Fd other;
        private final CompletableFuture<Integer> otherSeenAt = new CompletableFuture<>();
        private final CompletableFuture<Integer> ended = new CompletableFuture<>();
        private int rounds;

        Busy() throws ErrnoException {
            other = EventFd.create();
        }

        void start() {
            EventWatch.start(loop, other, () -> otherSeenAt.complete(rounds));
            next.open();
            next.request();
            next.request();
        }

        private void run() {
            rounds++;
            if (rounds == SIGNALLED_AT) signal();
            if (rounds < ROUNDS) next.request();
            else ended.complete(rounds);
        }

        private void signal() {
            try {
                EventFd.signal(other);
            } catch (ErrnoException e) {
                otherSeenAt.completeExceptionally(e);
            }
        }
    }

    @Test
    void anotherDescriptorIsServedInTheSameRoundOrTheNext() throws Exception {
        Busy busy = new Busy();
        loop.execute(busy::start);
        assertThat(busy.otherSeenAt.get(10, TimeUnit.SECONDS)).isBetween(SIGNALLED_AT, SIGNALLED_AT + 1);
        assertThat(busy.ended.get(10, TimeUnit.SECONDS)).as("each request is one run, two before it are one too")
                .isEqualTo(ROUNDS);
    }
}
