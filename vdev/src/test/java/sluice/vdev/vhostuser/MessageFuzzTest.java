package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.display.DisplayLink;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.InternalErrors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Front-ends of a fuzzer's making: whatever one says, when it has gone no descriptor and no mapping of its is left,
 * nothing went wrong inside, and the next front-end is served.
 *
 * <p>An input is a row of messages: a byte with the number of descriptors in its lower half and their kind ({@link #EVENTS} and others) in
 * its upper half, the header of 12 bytes, and the body, as much of it as the header says and the input has. With {@link #ANSWER} in
 * the upper half it goes to the back-end channel, when the back-end has asked for something there.
 */
class MessageFuzzTest {
    private static final int MAX_FDS = 9;
    private static final int LIMIT_SECONDS = 10;
    static final int MEMORY_BYTES = 1 << 16;
    /** Kinds of descriptors, in the upper half of the byte before a message. */
    static final int EVENTS = 0;
    static final int MEMORY = 1 << 4;
    /** The channel on which the back-end asks. */
    static final int SOCKETS = 2 << 4;
    static final int ANSWER = 3 << 4;
    /** How long a question is waited for before it is answered; there may be none. */
    private static final Duration PATIENCE = Duration.ofMillis(20);

    private @Nullable Served served;

    /** A back-end wired as the command line wires it, and what stays the same from one front-end to the next. */
    private static final class Served implements AutoCloseable {
        private final InternalErrors errors = new InternalErrors();
        private final IoEventLoop control = Loops.start("fuzz-control");
        private final IoEventLoop loop = Loops.start("fuzz-device");
        private final HostLoop named = new HostLoop("gpu", loop);
        private final Budget budget = Budget.of(Resource.MAPPINGS, 16);
        private final DisplayLink display = new DisplayLink(named, 1, 64, 64);
        private final GpuDevice device = new GpuDevice(GpuOptions.defaults(), display,
                new PictureTaker(Path.of("."), 0));
        private final BackEnd backEnd = new BackEnd(new DeviceHost(device, named), new FileMappings(budget),
                display);
        private final Semaphore gone = new Semaphore(0);
        private final Fd event = EventFd.create();
        private final Fd memory = Memfd.create("fuzz", 0);

        Served() throws IOException {
            Memfd.resize(memory, MEMORY_BYTES);
        }

        Fd descriptor(int kind, BackEndChannel channel) {
            return switch (kind % 48) {
                case EVENTS -> event;
                case MEMORY -> memory;
                default -> channel.backEndSide();
            };
        }

        FrontEnd connect() throws IOException {
            UnixSocket.Pair pair = UnixSocket.pair();
            control.execute(() -> backEnd.serve(pair.second(), control, () -> loop.execute(() -> {
                display.disconnect();
                gone.release();
            })));
            return new FrontEnd(pair.first());
        }

        /** Waits until the front-end has gone and all of its that is closed on other threads too. */
        void awaitNothingLeft(int owned) throws InterruptedException {
            assertThat(gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)).as("the front-end is let go").isTrue();
            Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= owned && budget.used(Resource.MAPPINGS) == 0,
                    "an end without descriptors or mappings left over");
            errors.requireNone();
        }

        @Override
        public void close() {
            Loops.stop(control);
            Loops.stop(loop);
            assertThat(control.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            assertThat(loop.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            event.close();
            memory.close();
            errors.close();
            errors.requireNone();
        }
    }

    @AfterEach
    void end() {
        if (served != null) served.close();
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(MessageFuzzTest.class, "messages", MessageSeeds.all());
    }

    @FuzzTest
    void messages(byte[] input) throws Exception {
        if (served == null) served = new Served();
        Served backEnd = served;
        int owned = Fd.openCount();
        try (BackEndChannel channel = BackEndChannel.open(); FrontEnd frontEnd = backEnd.connect()) {
            frontEnd.getFeatures();
            send(backEnd, frontEnd, channel, new FuzzInput(input));
        }
        backEnd.awaitNothingLeft(owned);
    }

    private static void send(Served backEnd, FrontEnd frontEnd, BackEndChannel channel, FuzzInput in) {
        while (in.hasMore()) {
            int fds = in.u8();
            byte[] header = in.upTo(VhostUserFormat.HEADER_BYTES);
            int size = header.length < VhostUserFormat.HEADER_BYTES
                    ? 0
                    : ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(8);
            byte[] body = in.upTo(Math.clamp(size, 0, VhostUserFormat.MAX_BODY_BYTES + 1));
            List<Fd> descriptors = new ArrayList<>();
            for (int i = 0; i < Math.min(fds & 15, MAX_FDS); i++)
                descriptors.add(backEnd.descriptor(fds & 0xf0, channel));
            byte[] message = ByteBuffer.allocate(header.length + body.length).put(header).put(body).array();
            if (message.length == 0) return;
            try {
                if ((fds & 0xf0) == ANSWER) {
                    channel.answerRaw(ByteBuffer.wrap(message), PATIENCE);
                } else {
                    frontEnd.sendRaw(message, descriptors.toArray(Fd[]::new));
                }
            } catch (IOException e) {
                return; // it has had enough of us and closed the connection
            }
        }
    }
}
