package sluice.vdev.vfiouser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
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
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.InternalErrors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Clients of a fuzzer's making: whatever one says, when it has gone no descriptor, no mapping and no DMA_MAP of its is left,
 * nothing went wrong inside, and the next client is served.
 *
 * <p>An input is a byte, odd if the version was negotiated before, and a row of messages: a byte with the number of descriptors in
 * its lower half and their kind ({@link #EVENTS} and others) in its upper half, the header of 16 bytes, and the body, as much
 * of it as the header says and the input has.
 */
class VfioUserMessageFuzzTest {
    private static final int MAX_FDS = 9;
    private static final int LIMIT_SECONDS = 10;
    static final int MEMORY_BYTES = 1 << 16;
    /** Kinds of descriptors, in the upper half of the byte before a message. */
    static final int EVENTS = 0;
    static final int MEMORY = 1 << 4;
    static final int SOCKETS = 2 << 4;

    private @Nullable Served served;

    /** A function wired as the command line wires it, and what stays the same from one client to the next. */
    private static final class Served implements AutoCloseable {
        private final InternalErrors errors = new InternalErrors();
        private final IoEventLoop control = Loops.start("fuzz-control");
        private final IoEventLoop loop = Loops.start("fuzz-function");
        private final Budget budget = Budget.of(Resource.MAPPINGS, 16);
        private final PlainFunction function = new PlainFunction();
        private final FunctionHost host = new FunctionHost(function, new HostLoop("plain function", loop),
                new FileMappings(budget));
        private final FunctionServer server = new FunctionServer(host);
        private final Semaphore gone = new Semaphore(0);
        private final Fd event = EventFd.create();
        private final Fd memory = Memfd.create("fuzz", 0);
        private final UnixSocket.Pair sockets = UnixSocket.pair();

        Served() throws IOException {
            Memfd.resize(memory, MEMORY_BYTES);
            function.beCareful();
        }

        Fd descriptor(int kind) {
            return switch (kind % 48) {
                case EVENTS -> event;
                case MEMORY -> memory;
                default -> sockets.second();
            };
        }

        VfioUserClient connect() throws IOException {
            UnixSocket.Pair pair = UnixSocket.pair();
            control.execute(() -> server.serve(pair.second(), control, gone::release));
            return new VfioUserClient(pair.first());
        }

        void requireAnother() throws IOException {
            try (VfioUserClient next = connect()) {
                next.agree();
                assertThat(next.map(0, MEMORY_BYTES, 0, VfioUserClient.MAP_READ, memory)).isZero();
                next.write32(0, 0, 5);
                assertThat(next.read32(0, 0)).isEqualTo(5);
            }
        }

        /** Waits until the client has gone and all of its that is closed on other threads too. */
        void awaitNothingLeft(int owned) throws InterruptedException {
            assertThat(gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)).as("the client is let go").isTrue();
            Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= owned && budget.used(Resource.MAPPINGS) == 0,
                    "an end without descriptors or mappings left over");
            assertThat(host.space().table().mappings()).isEmpty();
            errors.requireNone();
        }

        @Override
        public void close() {
            for (IoEventLoop one : new IoEventLoop[]{ control, loop }) {
                Loops.stop(one);
                assertThat(one.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                        .isTrue();
            }
            function.close();
            event.close();
            memory.close();
            sockets.first().close();
            sockets.second().close();
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
        SeedCorpus.check(VfioUserMessageFuzzTest.class, "messages", VfioUserMessageSeeds.all());
    }

    @FuzzTest
    void messages(byte[] input) throws Exception {
        if (served == null) served = new Served();
        Served backEnd = served;
        int owned = Fd.openCount();
        try (VfioUserClient client = backEnd.connect()) {
            FuzzInput in = new FuzzInput(input);
            if ((in.u8() & 1) != 0) client.agree();
            send(backEnd, client, in);
        }
        backEnd.awaitNothingLeft(owned);
        backEnd.requireAnother();
        backEnd.awaitNothingLeft(owned);
    }

    private static void send(Served backEnd, VfioUserClient client, FuzzInput in) {
        try {
            while (in.hasMore() && !client.drain()) {
                int fds = in.u8();
                byte[] header = in.upTo(VfioUserFormat.HEADER_BYTES);
                int size = header.length < VfioUserFormat.HEADER_BYTES
                        ? 0
                        : ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(4)
                                - VfioUserFormat.HEADER_BYTES;
                byte[] body = in.upTo(Math.clamp(size, 0, VfioUserFormat.MAX_BODY_BYTES + 1));
                Fd[] descriptors = new Fd[Math.min(fds & 15, MAX_FDS)];
                Arrays.fill(descriptors, backEnd.descriptor(fds & 0xf0));
                if (header.length == 0) return;
                client.sendRaw(ByteBuffer.allocate(header.length + body.length).put(header).put(body).flip(),
                        descriptors);
            }
        } catch (IOException e) {
            return; // it has had enough of us and closed the connection
        }
    }
}
