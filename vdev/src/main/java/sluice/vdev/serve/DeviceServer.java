package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.dmacore.file.FileFailure;
import sluice.dmacore.file.PrivateFile;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.witness.Witness;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.IoSpace;
import sluice.vdev.device.DisplaySocket;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostFaults;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.Listener;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.qemu.QemuHint;
import sluice.vdev.report.JsonReport;
import sluice.vdev.report.ReportedDevice;
import sluice.vdev.vfiouser.FunctionServer;
import sluice.vdev.vhostuser.BackEnd;
import sluice.vdev.virtiopci.VirtioPciFunction;

/**
 * One device with its loop, its socket and its report. Its methods are called on the main thread or on the shutdown
 * thread.
 */
final class DeviceServer implements AutoCloseable {
    private static final int CLOSE_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(DeviceServer.class);

    private final Environment environment;
    private final CommonOptions options;
    private final IoEventLoop control;
    private final ProvidedDevice device;
    private final Endpoint endpoint;
    /** The space that reports faults: the device's own, or its front-end's mappings. */
    private final @Nullable IoSpace space;
    private final HostFaults faults;
    private @Nullable Listener listener;
    private @Nullable Promise<Void> inheritedGone;
    private @Nullable Channel inherited;
    private @Nullable String failure;
    private boolean closed;
    private boolean stallTold;

    private DeviceServer(Environment environment, CommonOptions options, IoEventLoop control, ProvidedDevice device,
            boolean witnesses) throws IOException {
        this.environment = environment;
        this.options = options;
        this.control = control;
        this.device = device;
        faults = new HostFaults(options.injections().host());
        for (String name : options.injections().byChance()) LOG.info("{}: {}", environment.name(), name);
        // Without a switch on types, which takes milliseconds the first time.
        if (device instanceof ProvidedDevice.Virtio given) {
            endpoint = options.transportOf(device) == CommonOptions.Transport.VHOST_USER
                    ? backEnd(given.device(), given.display())
                    : new FunctionServer(functionHost(
                            new VirtioPciFunction(given.device(), environment.loop(), options.pollNanos(),
                                    shared(given.device()), environment.core()::queueTrace),
                            ofVirtio(), DmaConstraints.NONE, environment.witness()));
            space = environment.space();
        } else {
            PciFunction function = ((ProvidedDevice.Function) device).function();
            Witness witness = witnesses ? null : environment.witness();
            FunctionHost host = functionHost(function, options.stream(), options.constraints(), witness);
            Constraints.tellUnseen(environment.name(), options.constraints(), witness != null);
            for (Rule rule : options.injections().space()) host.space().table().inject(rule);
            endpoint = new FunctionServer(host);
            space = host.space().table();
        }
        register(space);
    }

    /**
     * A virtio device accesses its rings, and the memory of commands and answers, coherently: its own address space, if it has one, does
     * the rest. What a kernel reports of that is a matter of the witness.
     */
    private Stream ofVirtio() {
        return options.stream().coherent() || environment.witness() == null
                ? Stream.COHERENT
                : Stream.NON_COHERENT_READS;
    }

    /** How often what was asked for has gone wrong. */
    private void register(@Nullable IoSpace where) {
        Map<String, LongSupplier> counts = new LinkedHashMap<>(faults.counts());
        Map<String, LongSupplier> events = new LinkedHashMap<>(faults.lastEvents());
        if (where != null) {
            for (Rule rule : options.injections().space()) {
                counts.put(rule.name(), () -> where.struck(rule.name()));
                events.put(rule.name(), () -> where.struckAt(rule.name()));
            }
        }
        if (counts.isEmpty()) return;
        environment.report().counters("injected", "times", "How often each fault of --inject has happened.", counts);
        environment.report().counters("injectedAt", "events",
                "The number of the event at which each fault of --inject has happened last.", events);
    }

    /**
     * Creates a device, which is not served yet.
     *
     * @param name unique among the devices of the process
     * @throws WrongOptionException an option has an invalid value; the message begins with the device's name
     * @throws IOException the device cannot be created
     */
    static DeviceServer make(DeviceProvider provider, DeviceOptions given, String name, ServerProcess process)
            throws IOException, WrongOptionException {
        Environment environment = null;
        ProvidedDevice device = null;
        boolean done = false;
        try {
            CommonOptions options = CommonOptions.of(given);
            environment = new Environment(name, process, options);
            device = provider.create(given, environment);
            options.requireFor(device, environment);
            DeviceServer server = new DeviceServer(environment, options, process.control(), device,
                    provider.witnesses());
            done = true;
            return server;
        } catch (WrongOptionException e) {
            throw new WrongOptionException(provider.name() + ": " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw new IOException("the device %s cannot be served: %s".formatted(provider.name(), e.getMessage()), e);
        } catch (RuntimeException | LinkageError e) {
            // A bug in a plug-in: its user needs the device's name, its author the stack trace.
            throw new IOException("the device %s cannot be created: %s".formatted(provider.name(), e), e);
        } finally {
            if (!done && environment != null) abandon(environment, device);
        }
    }

    private static void abandon(Environment environment, @Nullable ProvidedDevice device) {
        Future<?> ended = environment.loop().events().submit(() -> {
            if (device != null) close(device);
            return null;
        });
        ended.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        try {
            environment.close();
        } catch (IOException e) {
            LOG.debug("cleanup after a device that could not be created failed", e);
        }
    }

    private FunctionHost functionHost(PciFunction function, Stream stream, DmaConstraints constraints,
            @Nullable Witness witness) {
        FunctionHost host = new FunctionHost(function, environment.loop(), environment.files(), environment.core(),
                stream, constraints, environment.share(), witness);
        host.inject(faults);
        host.register(environment.report());
        return host;
    }

    /** Released when the device is closed. */
    private SharedMemory shared(VirtioDevice virtio) throws IOException {
        SharedMemory shared = SharedMemory.of("sluice-" + environment.name(), virtio.sharedRegions(),
                environment.files());
        environment.closeAtEnd(shared::close);
        return shared;
    }

    private Endpoint backEnd(VirtioDevice virtio, @Nullable DisplaySocket display) throws IOException {
        DeviceHost host = new DeviceHost(virtio, environment.loop(), options.pollNanos(),
                environment.core().trace("front of " + environment.name()), environment.core()::queueTrace,
                shared(virtio));
        for (Rule rule : options.injections().front()) host.injectFront(rule);
        host.inject(faults);
        host.register(environment.report());
        return new BackEnd(host, environment.files(), display);
    }

    /** Serves front-ends that connect to {@code socket}, one after the other; takes ownership of it. */
    void listen(BoundSocket socket) {
        listener = Listener.of(socket, endpoint, control, this::frontEndGone);
    }

    /**
     * Serves front-ends that connect to {@code socket}, one after the other; takes ownership of it.
     *
     * @param name of the socket in messages
     * @throws IOException the socket cannot be used
     */
    void accept(Fd socket, String name) throws IOException {
        listener = Listener.of(socket, name, endpoint, control, this::frontEndGone);
    }

    /**
     * Serves the front-end at the other end of {@code socket}; takes ownership of it.
     *
     * @param gone runs on any thread when the front-end has disconnected and its resources are released
     */
    void serve(Fd socket, Runnable gone) {
        Promise<Void> promise = control.newPromise();
        inheritedGone = promise;
        control.execute(() -> inherited = endpoint.serve(socket, control, () -> {
            frontEndGone();
            promise.setSuccess(null);
            gone.run();
        }));
    }

    private void frontEndGone() {
        if (device instanceof ProvidedDevice.Virtio virtio && virtio.display() != null)
            environment.loop().execute(virtio.display()::disconnect);
    }

    /**
     * The hint how to attach the device to a VM by the socket at {@code path}.
     *
     * @param isViewed whether its screen is served to viewers
     */
    String hint(Path path, boolean isViewed) throws InterruptedException {
        if (options.transportOf(device) == CommonOptions.Transport.VFIO_USER) {
            boolean hasScreen = device instanceof ProvidedDevice.Virtio shown && shown.display() != null;
            boolean hasMsix = !(device instanceof ProvidedDevice.Function given)
                    || given.function().config().msix() != null;
            return QemuHint.attachFunction(path, hasScreen) + System.lineSeparator() + QemuHint.warning(hasMsix);
        }
        if (!(device instanceof ProvidedDevice.Virtio virtio))
            throw new IllegalStateException("vhost-user serves virtio devices only");
        return virtio.display() == null || virtio.needsAllFeatures()
                ? QemuHint.attachVirtio(virtio.device(), path)
                : QemuHint.attachGpu(path, isViewed);
    }

    /** Front-ends can connect: the device prepares for their requests. On a thread that serves nobody. */
    void prepare() {
        environment.prepare();
    }

    /**
     * SIGUSR2 was received: the device writes its pictures, and its report is written. On any thread.
     *
     * @param writer runs slow work: loops must not block on a file system or on standard output
     */
    void show(Executor writer) {
        environment.loop().execute(() -> {
            environment.show();
            Path file = options.statistics();
            if (file == null) return;
            String text = statistics();
            writer.execute(() -> {
                try {
                    PrivateFile.write(file, text);
                    System.out.println("statistics " + file);
                    System.out.flush();
                } catch (IOException e) {
                    LOG.error("writing statistics to {} failed: {}", file, FileFailure.reason(e));
                }
            });
        });
    }

    /**
     * Logs, once per occurrence, that the device does not return from a call, so that its front-end and its VM wait.
     *
     * @param patience limit of a call in nanoseconds
     */
    void tellIfStalled(long patience) {
        long stalled = environment.loop().stalledNanos();
        if (stalled < patience) {
            stallTold = false;
        } else if (!stallTold) {
            stallTold = true;
            LOG.error(
                    "{}: the device has not returned from a call for {} ms; requests of its front-end wait",
                    environment.name(), TimeUnit.NANOSECONDS.toMillis(stalled));
        }
    }

    /** What it reports, readable on any thread. */
    ReportedDevice reported() {
        return new ReportedDevice(environment.name(), environment.report(), space == null ? null : space.faults());
    }

    private String statistics() {
        return JsonReport.text(environment.report(), space == null ? null : space.faults(), environment.core());
    }

    /** Why {@link #close} was incomplete, or null. */
    @Nullable
    String failure() {
        return failure;
    }

    /**
     * Disconnects the front-end, removes the socket, writes the report, closes the device. May be called more than
     * once.
     */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        // A device that does not return from a call cannot run the remaining steps.
        if (!dismissFrontEnd()) return;
        String text = options.statistics() == null ? null : onLoop("give its statistics", this::statistics);
        onLoop("be closed", () -> {
            close(device);
            return "";
        });
        try {
            environment.close();
            Path file = options.statistics();
            if (file != null && text != null) PrivateFile.write(file, text);
        } catch (IOException e) {
            failure = "%s could not be closed: %s".formatted(environment.name(), FileFailure.reason(e));
        }
    }

    private interface Step {
        String run() throws Exception;
    }

    private @Nullable String onLoop(String what, Step step) {
        Future<String> done = environment.loop().events().submit(step::run);
        if (!done.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            failure = "%s did not %s within %d s".formatted(environment.name(), what, CLOSE_SECONDS);
        } else if (!done.isSuccess()) {
            failure = "%s could not %s: %s".formatted(environment.name(), what, done.cause());
        } else {
            return done.getNow();
        }
        return null;
    }

    private static void close(ProvidedDevice device) throws Exception {
        switch (device) {
            case ProvidedDevice.Virtio virtio -> virtio.device().close();
            case ProvidedDevice.Function given -> {
                if (given.function() instanceof AutoCloseable held) held.close();
            }
        }
    }

    /** Before the loop ends: releases the front-end's resources. */
    private boolean dismissFrontEnd() {
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
            failure = "%s did not release its front-end within %d s".formatted(environment.name(), CLOSE_SECONDS);
        return failure == null;
    }
}
