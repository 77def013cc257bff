package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import io.netty.util.concurrent.SingleThreadEventExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.LingeringSocket;
import sluice.dmacore.linux.PlainFile;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Baseline;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.Neighbour;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * One front-end of each hostile kind, beside a clean device of the same process that is answered all the time. Afterwards the
 * attacked device serves the next front-end, and the process has no more descriptors, threads and heap than before.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class HostileFrontEndLoopbackTest {
    private static final int GPU_SET_SOCKET = 33;
    private static final int SET_FEATURES = 2;
    private static final int SET_VRING_CALL = 13;
    /** Descriptors of one front-end before no more is read from it. */
    private static final int MOST_FDS = 64;
    /** Of those that an attack may have besides: sockets, and what is just on its way. */
    private static final int MORE_FDS = 16;
    private static final int ROUNDS = 50;
    private static final int CONNECTIONS = 20;
    private static final int LINGER_SECONDS = 3;
    /** As many as a ring has room for. */
    private static final int COMMANDS = 16;

    @TempDir
    private Path directory;

    private GpuBackEnd backEnd;
    private Listener listener;
    private Path path;
    private Neighbour neighbour;
    private Baseline before;

    @BeforeEach
    void start() throws IOException {
        backEnd = new GpuBackEnd(GpuOptions.defaults());
        path = directory.resolve("gpu.sock");
        listener = backEnd.listen(path);
        neighbour = new Neighbour(backEnd);
        // Everything was used once.
        serveOne();
        before = Baseline.take();
    }

    @AfterEach
    void theNextFrontEndIsServedAndNothingIsLeft() throws IOException {
        serveOne();
        before.requireRestored();
        neighbour.requireServed();
        neighbour.close();
        listener.close();
        backEnd.settle();
        backEnd.close();
    }

    private void serveOne() throws IOException {
        UnixSocket.Pair display = UnixSocket.pair();
        try (FrontEnd next = connect();
                Fd call = EventFd.create();
                Fd ours = display.first();
                Fd theirs = display.second()) {
            next.gpuSetSocket(theirs);
            next.setVringCall(0, call);
            assertThat(next.getQueueNum()).isEqualTo(2);
            assertThat(ours.isOpen()).isTrue();
        }
        backEnd.awaitGone();
    }

    private FrontEnd connect() throws IOException {
        return new FrontEnd(UnixSocket.connect(path));
    }

    private static ByteBuffer u64(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, value);
    }

    private interface Sending {
        void send() throws IOException;
    }

    /** Sends as fast as it goes, on a thread of its own, until {@code enough} is set. */
    private static CompletableFuture<Void> flood(AtomicBoolean enough, Sending one) {
        return CompletableFuture.runAsync(() -> {
            try {
                while (!enough.get())
                    one.send();
            } catch (IOException e) {
                // The socket was full for longer than a fixture waits, or the back-end has let go: this attack is over.
                enough.set(true);
            }
        }, task -> Thread.ofPlatform().daemon().start(task));
    }

    private void holdDevice(CountDownLatch free) {
        backEnd.loop().execute(() -> {
            try {
                free.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Call and error eventfds that its other holder has made blocking again, and filled. */
    @Test
    void eventfdsOnWhichAWriterWaits() throws Exception {
        AttachedGpu attacker = AttachedGpu.start(backEnd);
        try (Fd call = EventFd.create(); Fd error = EventFd.create()) {
            attacker.session().frontEnd().setVringCall(0, call);
            attacker.session().frontEnd().setVringErr(0, error);
            attacker.session().frontEnd().getFeatures();
            PlainFile.fillAndBlock(call);
            PlainFile.fillAndBlock(error);
            long refused = backEnd.statistic(GpuStatistics::refusedCommands);
            for (int i = 0; i < COMMANDS; i++) attacker.driver().begin(GpuCommands.unref(1), GpuWire.HDR_BYTES);
            Deadline.in(Deadline.USUAL).require(
                    () -> backEnd.statistic(GpuStatistics::refusedCommands) == refused + COMMANDS,
                    "an end of the commands");
            System.gc();
            neighbour.awaitRounds(ROUNDS);
            assertThat(EventFd.drain(call)).as("filled to the last").isEqualTo(-1);
        } finally {
            attacker.close();
        }
    }

    @Test
    void displaySocketsWithoutEnd() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        CountDownLatch free = new CountDownLatch(1);
        UnixSocket.Pair pair = UnixSocket.pair();
        try (FrontEnd attacker = connect(); Fd ours = pair.first(); Fd display = pair.second()) {
            assertThat(ours.isOpen()).isTrue();
            holdDevice(free);
            CompletableFuture<Void> flood = flood(enough,
                    () -> attacker.send(GPU_SET_SOCKET, FrontEnd.VERSION, ByteBuffer.allocate(0), display));
            Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() >= before.owned() + MOST_FDS, "a flood");
            neighbour.awaitRounds(ROUNDS);
            assertThat(Fd.openCount()).as("while the device is busy")
                    .isLessThanOrEqualTo(before.owned() + MOST_FDS + MORE_FDS);
            free.countDown();
            for (int i = 0; i < ROUNDS; i++) {
                neighbour.awaitRounds(1);
                assertThat(Fd.openCount()).as("while the device gets it done")
                        .isLessThanOrEqualTo(before.owned() + 2 * MOST_FDS + MORE_FDS);
            }
            enough.set(true);
            flood.join();
        } finally {
            enough.set(true);
            free.countDown();
        }
        backEnd.awaitGone();
    }

    @Test
    void callDescriptorsWithoutEnd() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        CountDownLatch free = new CountDownLatch(1);
        try (FrontEnd attacker = connect(); Fd call = EventFd.create()) {
            holdDevice(free);
            CompletableFuture<Void> flood = flood(enough,
                    () -> attacker.send(SET_VRING_CALL, FrontEnd.VERSION, u64(0), call));
            Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() >= before.owned() + MOST_FDS, "a flood");
            neighbour.awaitRounds(ROUNDS);
            assertThat(Fd.openCount()).isLessThanOrEqualTo(before.owned() + MOST_FDS + MORE_FDS);
            free.countDown();
            enough.set(true);
            flood.join();
        } finally {
            enough.set(true);
            free.countDown();
        }
        backEnd.awaitGone();
    }

    @Test
    void featuresWithoutEnd() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        CountDownLatch free = new CountDownLatch(1);
        try (FrontEnd attacker = connect()) {
            holdDevice(free);
            CompletableFuture<Void> flood = flood(enough,
                    () -> attacker.send(SET_FEATURES, FrontEnd.VERSION, u64(VhostUserBits.QEMU_FORCED)));
            neighbour.awaitRounds(10 * ROUNDS);
            assertThat(((SingleThreadEventExecutor) backEnd.loop()).pendingTasks())
                    .as("tasks of a device that does not get on").isBetween(1, 2000);
            free.countDown();
            enough.set(true);
            flood.join();
        } finally {
            enough.set(true);
            free.countDown();
        }
        backEnd.awaitGone();
    }

    /** Each is answered by a line in the log, if that is let. */
    @Test
    void refusedMessagesWithoutEnd() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        try (FrontEnd attacker = connect(); Fd noSocket = EventFd.create()) {
            CompletableFuture<Void> flood = flood(enough,
                    () -> attacker.send(GPU_SET_SOCKET, FrontEnd.VERSION, ByteBuffer.allocate(0), noSocket));
            neighbour.awaitRounds(10 * ROUNDS);
            enough.set(true);
            flood.join();
        } finally {
            enough.set(true);
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("is not a UNIX stream socket")).as("lines").isBetween(1L, 100L);
    }

    /** The process then has both ends of the connection, and no end of stream ever comes. */
    @Test
    void itsOwnEndAsTheSocketOfTheBackEnd() throws Exception {
        for (int request : new int[]{ 21, GPU_SET_SOCKET }) {
            try (Fd socket = UnixSocket.connect(path); FrontEnd attacker = new FrontEnd(socket.duplicate())) {
                attacker.send(request, FrontEnd.VERSION, ByteBuffer.allocate(0), socket);
                attacker.getFeatures();
            }
            backEnd.awaitGone();
        }
        assertThat(backEnd.log().count("is connected to a socket of this process")).isEqualTo(2);
        neighbour.awaitRounds(ROUNDS);
    }

    /** Its own end arrives with a message that is never complete, so it is not processed. */
    @Test
    void itsOwnEndWithHalfAMessage() throws Exception {
        try (Fd socket = UnixSocket.connect(path); FrontEnd attacker = new FrontEnd(socket.duplicate())) {
            attacker.getFeatures();
            attacker.sendRaw(new byte[4], socket);
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("was incomplete after")).isEqualTo(1);
        neighbour.awaitRounds(ROUNDS);
    }

    /** close(2) of the last descriptor waits until its peer has taken everything, or the time is over. */
    @Test
    void aDescriptorWhoseCloseWaits() throws Exception {
        try (FrontEnd attacker = connect(); LingeringSocket socket = LingeringSocket.open(LINGER_SECONDS)) {
            attacker.send(1, FrontEnd.VERSION, ByteBuffer.allocate(0), socket.full());
            socket.full().close();
            assertThat(attacker.receiveRaw(Deadline.USUAL)).as("the answer").isPresent();
            neighbour.awaitRounds(ROUNDS);
            assertThat(attacker.getQueueNum()).isEqualTo(2);
        }
        backEnd.awaitGone();
    }

    /** Front-ends that connect while the device is in use are rejected, with everything they have sent. */
    @Test
    void connectionsWithoutEnd() throws Exception {
        try (FrontEnd served = connect(); Fd event = EventFd.create()) {
            assertThat(served.getQueueNum()).isEqualTo(2);
            int sentAway = 0;
            for (int i = 0; i < CONNECTIONS; i++) {
                try (FrontEnd other = connect()) {
                    other.send(SET_VRING_CALL, FrontEnd.VERSION, u64(0), event);
                    if (other.closedWithin(Deadline.USUAL)) sentAway++;
                } catch (IOException e) {
                    // Sent away while it still talked, or no room in the backlog: the next one tries.
                    sentAway++;
                }
                neighbour.awaitRounds(1);
            }
            assertThat(sentAway).as("sent away").isEqualTo(CONNECTIONS);
            assertThat(served.getQueueNum()).isEqualTo(2);
        }
        backEnd.awaitGone();
    }
}
