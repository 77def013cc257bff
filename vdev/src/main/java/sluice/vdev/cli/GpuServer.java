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

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SignalFd;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.iommu.injection.Rule;
import sluice.vdev.display.DisplayLink;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.Loops;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.EventWatch;
import sluice.vdev.io.Listener;
import sluice.vdev.vfiouser.FunctionServer;
import sluice.vdev.vhostuser.BackEnd;
import sluice.vdev.virtiopci.VirtioPciFunction;

/** A GPU wired to its display, its loops and its socket, with everything around it that a process needs. */
public final class GpuServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GpuServer.class);
    private static final int CLOSE_SECONDS = 5;

    private final IoEventLoop control = Loops.start("sluice-control");
    private final IoEventLoop loop = Loops.start("sluice-gpu");
    private final DisplayLink display;
    private final PictureTaker pictures;
    private final GpuDevice device;
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

    public GpuServer(GpuSetup setup) throws IOException {
        statisticsFile = setup.statistics();
        display = new DisplayLink(loop, setup.width(), setup.height());
        pictures = new PictureTaker(setup.pictureFolder(), setup.pictureEvery());
        device = new GpuDevice(setup.gpu(), display, pictures);
        Injections injections = setup.injections();
        for (Rule rule : injections.space()) device.space().table().inject(rule);
        if (injections.stray() != null) device.setStrayRead(injections.stray());
        endpoint = switch (setup.transport()) {
            case VHOST_USER -> vhostUser(setup.pollNanos(), injections);
            case VFIO_USER -> vfioUser(setup.pollNanos());
        };
        watchSignal();
    }

    private Endpoint vhostUser(long pollNanos, Injections injections) {
        DeviceHost host = new DeviceHost(device, loop, pollNanos);
        for (Rule rule : injections.front()) host.injectFront(rule);
        frontStatistics = host.iotlbStatistics();
        return new BackEnd(host, FileMappings.ofProcess(), display::connect);
    }

    private Endpoint vfioUser(long pollNanos) {
        return new FunctionServer(new FunctionHost(new VirtioPciFunction(device, "gpu", loop, pollNanos), loop,
                FileMappings.ofProcess()));
    }

    private void watchSignal() throws IOException {
        if (!SignalFd.isBlocked(SignalFd.SIGUSR2)) {
            LOG.debug("SIGUSR2 is not blocked, so it takes no pictures: the launcher blocks it");
            return;
        }
        control.execute(() -> {
            try {
                Fd signals = SignalFd.open(SignalFd.SIGUSR2);
                EventWatch.start(control, signals, () -> onSignal(signals));
            } catch (IOException e) {
                LOG.error("SIGUSR2 cannot be received: {}", e.getMessage());
            }
        });
    }

    private void onSignal(Fd signals) {
        try {
            while (SignalFd.read(signals) != 0)
                loop.execute(this::takePictures);
        } catch (IOException e) {
            LOG.error("SIGUSR2 cannot be received: {}", e.getMessage());
        }
    }

    private void takePictures() {
        int count = device.takePictures(file -> {
            System.out.println("snapshot " + file.toAbsolutePath());
            System.out.flush();
        });
        if (count == 0) LOG.warn("no scan-out is on, so there is no picture to take");
    }

    /** Serves front-ends that connect to {@code path}, one after the other. */
    public void listen(Path path) throws IOException {
        listener = Listener.open(path, endpoint, control, this::frontEndGone);
    }

    /** Serves the front-end at the other end of {@code socket}; {@link #awaitEnd} returns when it goes. */
    public void serve(Fd socket) {
        Promise<Void> gone = control.newPromise();
        inheritedGone = gone;
        control.execute(() -> inherited = endpoint.serve(socket, control, () -> {
            frontEndGone();
            gone.setSuccess(null);
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

    /** Why closing could not do all it should, or null. */
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
        Loops.stop(control);
        Loops.stop(loop);
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
        CountDownLatch written = new CountDownLatch(1);
        loop.execute(() -> {
            try {
                StatisticsReport.write(device.statistics(), frontStatistics,
                        device.space().table().faults(), file);
            } catch (IOException e) {
                failure = "the statistics could not be written to %s: %s".formatted(file, e);
            } finally {
                written.countDown();
            }
        });
        try {
            if (!written.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                failure = "the device did not give its statistics within %d s".formatted(CLOSE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
