package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.device.Stream;
import sluice.dmacore.file.PrivateFile;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.iommu.injection.Rule;
import sluice.vdev.display.DisplayLink;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.Listener;
import sluice.vdev.plugin.DeviceServer;
import sluice.vdev.vfiouser.FunctionServer;
import sluice.vdev.vhostuser.BackEnd;
import sluice.vdev.virtiopci.VirtioPciFunction;

/** A GPU wired to its display, its loops and its socket, with everything around it that a process needs. */
final class GpuServer implements DeviceServer {
    private static final Logger LOG = LoggerFactory.getLogger(GpuServer.class);
    private static final int CLOSE_SECONDS = 5;

    private final IoEventLoop control;
    private final boolean ownControl;
    private final Share share = Budget.ofProcess().share("gpu");
    private final HostLoop loop = HostLoop.start("gpu", share);
    private final DisplayLink display;
    private final PictureTaker pictures;
    private final CoreOption.Machine machine;
    private final GpuDevice device;
    private final GpuTransport transport;
    private final Endpoint endpoint;
    /** Of the VM's IOMMU; all zero where it needs no asking. */
    private IotlbStatistics frontStatistics = new IotlbStatistics();
    private final @Nullable Path statisticsFile;
    private final CountDownLatch end = new CountDownLatch(1);
    private @Nullable Listener listener;
    private @Nullable Promise<Void> inheritedGone;
    private @Nullable Channel inherited;
    private boolean closed;
    private volatile @Nullable String failure;

    /** In a process of its own: SIGUSR2 is a request for its pictures. */
    GpuServer(GpuSetup setup) throws IOException {
        this(setup, Loops.start("sluice-control"), true);
        PictureSignal.watch(control, this::show);
    }

    /** Beside others, on the control loop of the process. */
    GpuServer(GpuSetup setup, IoEventLoop control) throws IOException {
        this(setup, control, false);
    }

    private GpuServer(GpuSetup setup, IoEventLoop control, boolean ownControl) throws IOException {
        this.control = control;
        this.ownControl = ownControl;
        statisticsFile = setup.statistics();
        machine = setup.machine();
        display = new DisplayLink(loop.events(), setup.gpu().outputs(), setup.width(), setup.height());
        pictures = new PictureTaker(setup.pictureFolder(), setup.pictureEvery());
        device = new GpuDevice(setup.gpu(), display, pictures, machine.core(), machine.stream(), share);
        Injections injections = setup.injections();
        for (Rule rule : injections.space()) device.space().table().inject(rule);
        if (injections.stray() != null) device.setStrayRead(injections.stray());
        transport = setup.transport();
        endpoint = switch (transport) {
            case VHOST_USER -> vhostUser(setup.pollNanos(), injections);
            case VFIO_USER -> vfioUser(setup.pollNanos());
        };
    }

    private Endpoint vhostUser(long pollNanos, Injections injections) {
        DeviceHost host = new DeviceHost(device, loop, pollNanos, machine.core().trace("front of gpu"));
        for (Rule rule : injections.front()) host.injectFront(rule);
        frontStatistics = host.iotlbStatistics();
        return new BackEnd(host, FileMappings.ofProcess().paidBy(share), display::connect);
    }

    private Endpoint vfioUser(long pollNanos) {
        return new FunctionServer(new FunctionHost(new VirtioPciFunction(device, loop, pollNanos), loop,
                FileMappings.ofProcess().paidBy(share), machine.core(), Stream.COHERENT, share));
    }

    @Override
    public void show() {
        loop.execute(this::takePictures);
    }

    private void takePictures() {
        int count = device.takePictures(file -> {
            System.out.println("snapshot " + file.toAbsolutePath());
            System.out.flush();
        });
        if (count == 0) LOG.warn("no scan-out is on, so there is no picture to take");
    }

    @Override
    public void listen(Path path) throws IOException {
        listener = Listener.open(path, endpoint, control, this::frontEndGone);
    }

    @Override
    public String hint(Path path) throws InterruptedException {
        return switch (transport) {
            case VHOST_USER -> QemuHint.attachGpu(path);
            case VFIO_USER -> QemuHint.attachFunction(path);
        };
    }

    /** As the interface says; {@link #awaitEnd} returns then, too. */
    @Override
    public void serve(Fd socket, Runnable after) {
        Promise<Void> gone = control.newPromise();
        inheritedGone = gone;
        control.execute(() -> inherited = endpoint.serve(socket, control, () -> {
            frontEndGone();
            gone.setSuccess(null);
            after.run();
            end.countDown();
        }));
    }

    private void frontEndGone() {
        loop.execute(display::disconnect);
    }

    /** Waits until the front-end of {@link #serve} has gone, or {@link #close}. */
    public void awaitEnd() throws InterruptedException {
        end.await();
    }

    @Override
    public @Nullable String failure() {
        return failure;
    }

    /** Removes the socket, finishes pictures and writes statistics. */
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        dismissFrontEnd();
        writeStatistics();
        pictures.close();
        if (ownControl) Loops.stop(control);
        loop.stop();
        share.close();
        try {
            machine.close();
        } catch (IOException e) {
            failure = "the recording could not be ended: " + e.getMessage();
        }
        end.countDown();
    }

    /** Before the loops end: what a front-end has given us is given back on both. */
    private void dismissFrontEnd() {
        Future<?> gone = inheritedGone;
        Listener open = listener;
        if (open != null) {
            gone = open.ended();
            open.close();
        } else {
            control.execute(() -> {
                Channel channel = inherited;
                if (channel != null) channel.close();
            });
        }
        if (gone != null && !gone.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            failure = "the device did not let go of its front-end within %d s".formatted(CLOSE_SECONDS);
        }
    }

    private void writeStatistics() {
        Path file = statisticsFile;
        if (file == null) return;
        Future<String> text = loop.events().submit(() -> StatisticsReport.text(device.statistics(), frontStatistics,
                device.space().table().faults(), machine.core()));
        if (!text.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            failure = "the device did not give its statistics within %d s".formatted(CLOSE_SECONDS);
            return;
        }
        try {
            if (!text.isSuccess()) throw new IOException(text.cause());
            PrivateFile.write(file, text.getNow());
        } catch (IOException e) {
            failure = "the statistics could not be written to %s: %s".formatted(file, e);
        }
    }
}
