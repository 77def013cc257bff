package sluice.vdev.display;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.InternalErrors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Displays of a fuzzer's making: whatever one replies, each question gets exactly one answer of the right size, and when
 * the display has gone nothing of it is left.
 *
 * <p>An input is: how many pairs of questions are asked, a byte for the size of the pieces in which the rest is sent, and
 * the bytes the display sends.
 */
class ReplyFuzzTest {
    private static final int LIMIT_SECONDS = 10;
    private static final int MAX_PAIRS = 4;
    private static final int INFO_BYTES = 408;
    private static final int EDID_BYTES = 1056;

    private @Nullable Asking asking;

    private static final class Asking implements AutoCloseable {
        private final InternalErrors errors = new InternalErrors();
        private final IoEventLoop loop = Loops.start("fuzz-display");
        private final DisplayLink link = new DisplayLink(new HostLoop("gpu", loop), 1, 64, 64);

        @Override
        public void close() {
            Loops.stop(loop);
            assertThat(loop.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            errors.close();
            errors.requireNone();
        }
    }

    @AfterEach
    void end() {
        if (asking != null) asking.close();
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(ReplyFuzzTest.class, "replies", ReplySeeds.all());
    }

    @FuzzTest
    void replies(byte[] input) throws Exception {
        if (asking == null) asking = new Asking();
        Asking end = asking;
        int owned = Fd.openCount();
        FuzzInput in = new FuzzInput(input);
        int pairs = in.u8() % (MAX_PAIRS + 1);
        int piece = 1 + in.u8() * 8;
        UnixSocket.Pair pair = UnixSocket.pair();
        CountDownLatch answered = new CountDownLatch(2 * pairs);
        AtomicInteger answers = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        end.loop.submit(() -> {
            end.link.connect(pair.second());
            for (int i = 0; i < pairs; i++) {
                end.link.displayInfo(info -> {
                    if (info.length != INFO_BYTES) wrong.incrementAndGet();
                    answers.incrementAndGet();
                    answered.countDown();
                });
                end.link.edid(i, edid -> {
                    if (edid != null && edid.length != EDID_BYTES) wrong.incrementAndGet();
                    answers.incrementAndGet();
                    answered.countDown();
                });
            }
        }).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        try (FrontEnd display = new FrontEnd(pair.first())) {
            send(display, in, piece);
        }
        assertThat(answered.await(LIMIT_SECONDS, TimeUnit.SECONDS)).as("each question has an answer").isTrue();
        end.loop.submit(end.link::disconnect).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= owned, "an end without descriptors left over");
        assertThat(answers.get()).as("answers").isEqualTo(2 * pairs);
        assertThat(wrong.get()).as("answers of a wrong size").isZero();
        end.errors.requireNone();
    }

    private static void send(FrontEnd display, FuzzInput in, int piece) {
        while (in.hasMore()) {
            try {
                display.sendRaw(in.upTo(piece));
            } catch (IOException e) {
                return; // it has had enough of us and closed the connection
            }
        }
    }
}
