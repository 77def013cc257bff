package sluice.vdev.virtiopci;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.netty.channel.IoEventLoop;

import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.vfiouser.FunctionServer;

import static org.assertj.core.api.Assertions.assertThat;

/** An {@link EchoDevice} as a PCI function, served on a socket, and a guest that has connected. */
final class EchoFunction implements AutoCloseable {
    static final long SPLIT = VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM | VhostUserBits.F_INDIRECT
            | VhostUserBits.F_EVENT_IDX | VhostUserBits.F_RING_RESET | EchoDevice.FEATURE;
    static final int QUEUE_SIZE = 16;
    private static final long SEED = 20_261_121;
    private static final int RAM_BYTES = 4 << 20;
    private static final int LIMIT_SECONDS = 10;

    private final long driverFeatures;
    final EchoDevice device = new EchoDevice();
    final LogTap log = new LogTap();
    final GuestRam ram;
    VirtioPciSession session;
    private final IoEventLoop control = Loops.start("echo-control");
    private final IoEventLoop loop = Loops.start("echo-device");
    private final Semaphore gone = new Semaphore(0);
    private final FunctionServer server;
    private final CommandQueue[] drivers = new CommandQueue[EchoDevice.QUEUES];

    EchoFunction(long driverFeatures) throws IOException {
        HostLoop named = new HostLoop("echo", loop);
        server = new FunctionServer(new FunctionHost(new VirtioPciFunction(device, named, 0), named,
                FileMappings.ofProcess()));
        this.driverFeatures = driverFeatures;
        ram = GuestRam.single(RAM_BYTES, SEED);
        session = attach();
    }

    private VirtioPciSession attach() throws IOException {
        VirtioPciSession fresh = new VirtioPciSession(connect(), ram, driverFeatures, QUEUE_SIZE, QUEUE_SIZE,
                QUEUE_SIZE);
        fresh.attach();
        for (int i = 0; i < drivers.length; i++) drivers[i] = new CommandQueue(fresh.queue(i), ram);
        return fresh;
    }

    /** One more guest, after {@link #disconnect}. */
    void reconnect() throws IOException {
        session = attach();
    }

    private VfioUserClient connect() throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        control.execute(() -> server.serve(pair.second(), control, gone::release));
        VfioUserClient client = new VfioUserClient(pair.first());
        client.agree();
        return client;
    }

    /** With its driver running. */
    static EchoFunction started() throws IOException {
        EchoFunction function = new EchoFunction(SPLIT);
        function.session.start(null);
        return function;
    }

    VirtioPciRegisters registers() {
        return session.registers();
    }

    /** Says something in a queue, and hears it back. */
    void echo(int queue, int number) throws IOException {
        ByteBuffer request = ByteBuffer.allocate(8).putLong(0, number);
        assertThat(drivers[queue].await(drivers[queue].send(request.duplicate(), 8)).getLong(0))
                .isEqualTo(Long.reverseBytes(request.getLong(0)));
    }

    CommandQueue driver(int queue) {
        return drivers[queue];
    }

    /** Forgets what was under way; after the rings were restarted. */
    void forget() {
        for (CommandQueue driver : drivers) driver.forget();
    }

    /** Runs {@code work} on the device's loop and waits for what it returns. */
    <T> T onLoop(Callable<T> work) {
        try {
            return loop.submit(work).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("on the device's loop", e);
        }
    }

    /** The guest goes, and everything of its is given back. */
    void disconnect() {
        session.close();
        try {
            assertThat(gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)).as("the front-end is let go").isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        closeAfterFailures();
        log.requireNoInternalError();
    }

    /** {@link #close}, if the device is set to fail. */
    void closeAfterFailures() {
        disconnect();
        ram.close();
        for (IoEventLoop one : new IoEventLoop[]{ control, loop }) {
            Loops.stop(one);
            assertThat(one.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .as("a loop ends").isTrue();
        }
        log.close();
    }
}
