package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMappings;
import sluice.iommu.injection.Rule;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.Listener;
import sluice.vdev.pci.PciFunction;
import sluice.vdev.plugin.DeviceServer;
import sluice.vdev.vfiouser.FunctionServer;
import sluice.vdev.vhostuser.BackEnd;
import sluice.vdev.virtiopci.VirtioPciFunction;

/** Serves a device that needs nothing but its loop and the socket of its front-end. */
final class EndpointServer implements DeviceServer {
    private static final int CLOSE_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(EndpointServer.class);

    /** Something to be done with the device, on its loop; what it returns may take its time, and is done elsewhere. */
    private interface Action {
        Writing run() throws Exception;
    }

    /** Writes what was taken on a loop. No loop waits for a file system, or for a reader of standard output. */
    interface Writing {
        void run() throws IOException;
    }

    static final Writing NOTHING = () -> {};

    /** What a function has to tell of itself. */
    interface Report {
        /** Called on the function's loop: at SIGUSR2, and when the function's front-end has gone for good. */
        Writing take(FunctionHost host);
    }

    /** What to tell a user. */
    private interface Hint {
        String about(Path socket);
    }

    private final String name;
    private final Share share;
    private final IoEventLoop control;
    private final HostLoop loop;
    private final Endpoint endpoint;
    private final Hint hint;
    private final Action showing;
    private final Action closing;
    private final ExecutorService writer = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-writer").daemon().factory());
    private @Nullable Listener listener;
    private @Nullable Promise<Void> inheritedGone;
    private @Nullable Channel inherited;
    private @Nullable String failure;
    private boolean closed;

    private EndpointServer(String name, Share share, IoEventLoop control, HostLoop loop, Endpoint endpoint,
            Hint hint,
            Action showing, Action closing) {
        this.name = name;
        this.share = share;
        this.control = control;
        this.loop = loop;
        this.endpoint = endpoint;
        this.hint = hint;
        this.showing = showing;
        this.closing = closing;
    }

    /**
     * A PCI function over vfio-user, on a loop of its own.
     *
     * @param stream whether it snoops
     * @param rules what is to go wrong on purpose in what its front-end maps for it
     * @throws IllegalArgumentException if the function contradicts itself
     */
    static EndpointServer of(PciFunction function, IoEventLoop control, DmaCore core, Stream stream, List<Rule> rules,
            Report report) {
        Share share = Budget.ofProcess().share(function.name());
        HostLoop loop = HostLoop.start(function.name(), share);
        FunctionHost host = new FunctionHost(function, loop, FileMappings.ofProcess().paidBy(share), core, stream,
                share);
        for (Rule rule : rules) host.space().table().inject(rule);
        return new EndpointServer(function.name(), share, control, loop, new FunctionServer(host),
                QemuHint::attachFunction,
                () -> report.take(host), () -> {
                    try {
                        return report.take(host);
                    } finally {
                        if (function instanceof AutoCloseable held) held.close();
                    }
                });
    }

    /** A virtio device over vhost-user, on a loop of its own. */
    static EndpointServer of(String name, VirtioDevice device, IoEventLoop control, DmaCore core) {
        Share share = Budget.ofProcess().share(name);
        HostLoop loop = HostLoop.start(name, share);
        BackEnd backEnd = new BackEnd(new DeviceHost(device, loop, 0, core.trace("front of " + name)),
                FileMappings.ofProcess().paidBy(share), null);
        return new EndpointServer(name, share, control, loop, backEnd, path -> QemuHint.attachVirtio(device, path),
                () -> NOTHING, () -> {
                    device.close();
                    return NOTHING;
                });
    }

    /**
     * A virtio device as a PCI function over vfio-user, on a loop of its own.
     *
     * @throws IllegalArgumentException if such a device is not for PCI
     */
    static EndpointServer onPci(String name, VirtioDevice device, IoEventLoop control, DmaCore core) {
        Share share = Budget.ofProcess().share(name);
        HostLoop loop = HostLoop.start(name, share);
        FunctionHost host = new FunctionHost(new VirtioPciFunction(device, loop, 0), loop,
                FileMappings.ofProcess().paidBy(share), core, Stream.COHERENT, share);
        return new EndpointServer(name, share, control, loop, new FunctionServer(host), QemuHint::attachFunction,
                () -> NOTHING, () -> {
                    device.close();
                    return NOTHING;
                });
    }

    @Override
    public void listen(Path path) throws IOException {
        listener = Listener.open(path, endpoint, control, () -> {});
    }

    @Override
    public void serve(Fd socket, Runnable gone) {
        Promise<Void> promise = control.newPromise();
        inheritedGone = promise;
        control.execute(() -> inherited = endpoint.serve(socket, control, () -> {
            promise.setSuccess(null);
            gone.run();
        }));
    }

    @Override
    public String hint(Path path) {
        return hint.about(path);
    }

    @Override
    public void show() {
        loop.execute(() -> {
            try {
                Writing writing = showing.run();
                writer.execute(() -> write(writing));
            } catch (Exception e) {
                LOG.error("{} cannot be shown: {}", name, e.getMessage());
            }
        });
    }

    private void write(Writing writing) {
        try {
            writing.run();
        } catch (IOException e) {
            LOG.error("{} cannot be shown: {}", name, e.getMessage());
        }
    }

    @Override
    public @Nullable String failure() {
        return failure;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        dismissFrontEnd();
        Future<Writing> done = loop.events().submit(closing::run);
        if (!done.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            failure = "%s did not close within %d s".formatted(name, CLOSE_SECONDS);
        } else if (!done.isSuccess()) {
            failure = "%s could not be closed: %s".formatted(name, done.cause());
        } else {
            finish(done.getNow());
        }
        loop.stop();
        share.close();
    }

    private void finish(Writing last) {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS))
                failure = "%s was not shown within %d s".formatted(name, CLOSE_SECONDS);
            last.run();
        } catch (IOException e) {
            failure = "%s could not be closed: %s".formatted(name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Before the loop ends: what a front-end has given us is given back. */
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
        if (gone != null && !gone.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS))
            failure = "%s did not let go of its front-end within %d s".formatted(name, CLOSE_SECONDS);
    }
}
