package sluice.vdev.loopback;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToLongFunction;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.display.DisplayLink;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.io.Listener;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.rfb.ViewedDisplay;
import sluice.vdev.vfiouser.FunctionServer;
import sluice.vdev.vhostuser.BackEnd;
import sluice.vdev.virtiopci.VirtioPciFunction;

/** A GPU wired as the command line wires it: two loops, a display link, a host, and vhost-user or vfio-user in front. */
public final class GpuBackEnd implements AutoCloseable {
    /** Size of the display without a display socket. */
    public static final int OWN_WIDTH = 1280;
    public static final int OWN_HEIGHT = 800;
    /** What nothing here may take longer than. */
    public static final int LIMIT_SECONDS = 10;

    private final LogTap log = new LogTap();
    private final IoEventLoop control;
    private final boolean ownsControl;
    private final IoEventLoop loop = Loops.start("loopback-device");
    private final Share share = Budget.ofProcess().share("gpu");
    private final DisplayLink display;
    private final ViewedDisplay viewed;
    private final PictureTaker pictures;
    private final GpuDevice device;
    private final SharedMemory shared;
    private final DmaCore core;
    private final BackEnd backEnd;
    private final FunctionServer function;
    private final Semaphore gone = new Semaphore(0);

    /** A GPU that takes no pictures by itself. */
    public GpuBackEnd(GpuOptions options) {
        this(options, Path.of("."), 0);
    }

    /** A GPU that writes every {@code everyFrames}-th frame into {@code folder}; 0 for none. */
    public GpuBackEnd(GpuOptions options, Path folder, int everyFrames) {
        this(options, folder, everyFrames, DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT);
    }

    /** A GPU that shares buffers through {@code core}, which it reaches by {@code stream}. */
    public GpuBackEnd(DmaCore core, Stream stream) {
        this(GpuOptions.defaults(), Path.of("."), 0, core, stream);
    }

    /** The same with blobs. */
    public static GpuBackEnd withBlobs(DmaCore core, Stream stream) {
        return new GpuBackEnd(GpuOptions.defaults().withBlobs(), Path.of("."), 0, core, stream);
    }

    /** The same with host memory in a window of this size. */
    public static GpuBackEnd withHostBlobs(DmaCore core, Stream stream, long windowBytes) {
        return new GpuBackEnd(GpuOptions.defaults().withHostBlobs(windowBytes), Path.of("."), 0, core, stream);
    }

    private GpuBackEnd(GpuOptions options, Path folder, int everyFrames, DmaCore core, Stream stream) {
        this(Loops.start("loopback-control"), true, options, folder, everyFrames, core, stream);
    }

    /** A GPU whose screens may also be viewed, as with the option {@code vnc}. */
    public static GpuBackEnd viewed(GpuOptions options) {
        return viewed(options, DmaCore.open(DmaCoreOptions.counting()));
    }

    /** The same with buffers shared through {@code core}. */
    public static GpuBackEnd viewed(GpuOptions options, DmaCore core) {
        return new GpuBackEnd(Loops.start("loopback-control"), true, options, Path.of("."), 0, core, Stream.COHERENT,
                true, null);
    }

    /** A GPU that gives its display pictures as dma-bufs. */
    public static GpuBackEnd withDmabufs(GpuOptions options, HostImage.Dmabufs dmabufs) {
        return new GpuBackEnd(Loops.start("loopback-control"), true, options, Path.of("."), 0,
                DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT, false, dmabufs);
    }

    /** A second GPU of the same process: both have one control loop, which ends with the first. */
    public static GpuBackEnd beside(GpuBackEnd first) {
        return new GpuBackEnd(first.control, false, GpuOptions.defaults(), Path.of("."), 0,
                DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT);
    }

    private GpuBackEnd(IoEventLoop control, boolean ownsControl, GpuOptions options, Path folder, int everyFrames,
            DmaCore core, Stream stream) {
        this(control, ownsControl, options, folder, everyFrames, core, stream, false, null);
    }

    private GpuBackEnd(IoEventLoop control, boolean ownsControl, GpuOptions options, Path folder, int everyFrames,
            DmaCore core, Stream stream, boolean isViewed, HostImage.@Nullable Dmabufs dmabufs) {
        this.control = control;
        this.ownsControl = ownsControl;
        this.core = core;
        HostLoop named = new HostLoop("gpu", loop, share);
        display = new DisplayLink(named, options.outputs(), OWN_WIDTH, OWN_HEIGHT, dmabufs);
        viewed = new ViewedDisplay(display, named, OWN_WIDTH, OWN_HEIGHT);
        pictures = new PictureTaker(folder, everyFrames);
        device = new GpuDevice(options, isViewed ? viewed : display, pictures, core, stream, share);
        shared = window(device);
        backEnd = new BackEnd(new DeviceHost(device, named, 0, core.trace("front of gpu"), core::queueTrace, shared),
                FileMappings.ofProcess().paidBy(share), display);
        function = new FunctionServer(
                new FunctionHost(new VirtioPciFunction(device, named, 0, shared, core::queueTrace), named,
                        FileMappings.ofProcess().paidBy(share), core, Stream.COHERENT, share));
    }

    private static SharedMemory window(GpuDevice device) {
        try {
            return SharedMemory.of("loopback-gpu", device.sharedRegions(), FileMappings.ofProcess());
        } catch (IOException e) {
            throw new AssertionError("no window", e);
        }
    }

    /** The memory of the window of host blobs. */
    public MemorySegment window() {
        return shared.segment(1);
    }

    /** A front-end at the other end of a fresh pair of sockets. */
    public FrontEnd connect() throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        control.execute(() -> backEnd.serve(pair.second(), control, this::frontEndGone));
        return new FrontEnd(pair.first());
    }

    /** The same for the GPU as a PCI function; the version is agreed on. */
    public VfioUserClient connectPci() throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        control.execute(() -> function.serve(pair.second(), control, this::frontEndGone));
        VfioUserClient client = new VfioUserClient(pair.first());
        client.agree();
        return client;
    }

    /** Gives the GPU a display that no front-end hands out; the socket is ours from now on. */
    public void connectDisplay(Fd socket) {
        loop.execute(() -> display.connect(socket));
    }

    /** Listens on a path; the caller closes the listener. */
    public Listener listen(Path path) throws IOException {
        return Listener.open(path, SocketAccess.OWNER, backEnd, control, this::frontEndGone);
    }

    /** The same for the GPU as a PCI function. */
    public Listener listenPci(Path path) throws IOException {
        return Listener.open(path, SocketAccess.OWNER, function, control, this::frontEndGone);
    }

    private void frontEndGone() {
        loop.execute(() -> {
            display.disconnect();
            gone.release();
        });
    }

    /** Waits until one more front-end has gone and its resources are released. */
    public void awaitGone() {
        try {
            if (!gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("the back-end did not let go of its front-end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Runs {@code work} on the device's loop and waits for what it returns. */
    public <T> T onLoop(Callable<T> work) {
        try {
            return loop.submit(work).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("on the device's loop", e);
        }
    }

    /** Waits until the control loop has done everything it has to do now. */
    public void settle() {
        try {
            control.submit(() -> {}).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("on the control loop", e);
        }
    }

    /** What viewers see, if this was made by {@link #viewed}. */
    public ViewedDisplay viewedDisplay() {
        return viewed;
    }

    /** A number of the statistics, read on the device's loop. */
    public long statistic(ToLongFunction<GpuStatistics> which) {
        return onLoop(() -> which.applyAsLong(device.statistics()));
    }

    /** What the GPU and its guest have of the process. */
    public Share share() {
        return share;
    }

    public GpuDevice device() {
        return device;
    }

    /** Through which the GPU shares buffers. */
    public DmaCore core() {
        return core;
    }

    public PictureTaker pictures() {
        return pictures;
    }

    public IoEventLoop loop() {
        return loop;
    }

    public LogTap log() {
        return log;
    }

    /** Ends the loops, and fails the test if something went wrong inside. */
    @Override
    public void close() {
        pictures.close();
        for (IoEventLoop one : ownsControl ? List.of(control, loop) : List.of(loop)) {
            Loops.stop(one);
            if (!one.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("a loop does not end");
            }
        }
        shared.close();
        share.close();
        log.close();
        log.requireNoInternalError();
    }
}
