package sluice.vdev.vfiouser;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.PciFunction;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.io.Listener;
import sluice.vdev.io.SocketAccess;

/** A function with its loops and its server, to be connected to. */
public final class FunctionProcess implements AutoCloseable {
    private static final int LIMIT_SECONDS = 10;

    private final IoEventLoop control;
    private final IoEventLoop loop = Loops.start("test-function");
    /** The loops that end with it. */
    private final List<IoEventLoop> own;
    private final FunctionHost host;
    private final FunctionServer server;
    private final Semaphore gone = new Semaphore(0);
    private volatile @Nullable Channel channel;

    public FunctionProcess(PciFunction function) {
        this(function, DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT);
    }

    /** A function of a machine that others share, which snoops or does not. */
    public FunctionProcess(PciFunction function, DmaCore core, Stream stream) {
        this("plain function", function, core, stream);
    }

    /** The same with a name of its own. */
    public FunctionProcess(String name, PciFunction function, DmaCore core, Stream stream) {
        control = Loops.start("test-control");
        own = List.of(control, loop);
        host = new FunctionHost(function, new HostLoop(name, loop), FileMappings.ofProcess(), core, stream,
                Budget.ofProcess().own());
        server = new FunctionServer(host);
    }

    /** A function whose front-ends are served on another's loop, which lives longer. */
    FunctionProcess(PciFunction function, IoEventLoop control) {
        this(function, control, Budget.ofProcess().own());
    }

    /** As above, with a share of its own. */
    FunctionProcess(PciFunction function, IoEventLoop control, Share share) {
        this.control = control;
        own = List.of(loop);
        host = new FunctionHost(function, new HostLoop("plain function", loop, share),
                FileMappings.ofProcess().paidBy(share), DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT,
                share);
        server = new FunctionServer(host);
    }

    public FunctionHost host() {
        return host;
    }

    /** A client at the other end of a fresh pair of sockets. */
    public VfioUserClient connect() throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        control.execute(() -> channel = server.serve(pair.second(), control, gone::release));
        return new VfioUserClient(pair.first());
    }

    /** Lets a front-end connect to {@code path}, until what is returned is closed. */
    public Listener listen(Path path) throws IOException {
        return Listener.open(path, SocketAccess.OWNER, server, control, gone::release);
    }

    /** The same as {@link #connect}, with the version agreed on. */
    public VfioUserClient agreed() throws IOException {
        VfioUserClient client = connect();
        client.agree();
        return client;
    }

    /** Whether more is read from the client that has connected last. */
    boolean isReading() {
        Channel present = channel;
        return present != null && present.config().isAutoRead();
    }

    /** Waits until the control loop has done everything it has to do now: what it has read, it has handed on. */
    void settleControl() {
        on(control, () -> 0);
    }

    /** Processor time that both loops have taken so far. */
    long loopNanos() {
        return nanosOf(control) + nanosOf(loop);
    }

    private static long nanosOf(IoEventLoop one) {
        return on(one, ManagementFactory.getThreadMXBean()::getCurrentThreadCpuTime);
    }

    /** How many tasks wait for the function's loop. */
    int waitingTasks() {
        return ((SingleThreadEventExecutor) loop).pendingTasks();
    }

    /** Runs {@code work} on the function's loop and waits for what it returns. */
    public <T> T onLoop(Callable<T> work) {
        return on(loop, work);
    }

    private static <T> T on(IoEventLoop one, Callable<T> work) {
        try {
            return one.submit(work).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("on a loop of the function's", e);
        }
    }

    /** Waits until every timer of the function's that is due within {@code time} from now has run. */
    public void awaitTimers(Duration time) {
        try {
            loop.schedule(() -> {}, time.toNanos(), TimeUnit.NANOSECONDS).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("on the function's loop", e);
        }
    }

    /** Waits until one more client has gone and its resources are released. */
    public void awaitGone() {
        try {
            if (!gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS))
                throw new AssertionError("the back-end did not let go of its front-end");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        for (IoEventLoop one : own) {
            Loops.stop(one);
            if (!one.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                throw new AssertionError("a loop does not end");
        }
    }
}
