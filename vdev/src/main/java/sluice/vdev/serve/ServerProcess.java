package sluice.vdev.serve;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.fence.FenceOptions;
import sluice.dmacore.fence.FenceWatch;
import sluice.dmacore.fence.LatePolicy;
import sluice.dmacore.witness.Witness;
import sluice.vdev.console.ConsoleAddress;
import sluice.vdev.console.ConsoleLimits;
import sluice.vdev.console.ConsoleServer;
import sluice.vdev.console.Watched;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.Screens;
import sluice.vdev.host.Loops;
import sluice.vdev.host.WorkerPool;
import sluice.vdev.io.AccessToken;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.profile.Capture;
import sluice.vdev.profile.FlightRecordings;
import sluice.vdev.report.ReportedDevice;

/**
 * A process that serves devices until it is terminated, or until no device can get a front-end: a device on an
 * inherited socket ends with its only front-end. All devices share one control loop, one core and one worker pool; each
 * has a loop of its own, so a failure of one does not affect the others.
 */
public final class ServerProcess implements AutoCloseable {
    /** Time limit for writing the remaining lines of standard error at the end. */
    public static final Duration LAST_LINES = Duration.ofSeconds(1);
    private static final int CLOSE_SECONDS = 5;
    /** Time limit for JDK Flight Recorder, which writes up to 250 MB. */
    private static final Duration RECORDINGS = Duration.ofSeconds(20);
    /** QEMU gives up on a vfio-user reply after 5 s; the cause should be logged before. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);

    /**
     * A device and the source of its front-ends.
     *
     * @param isViewed whether its screen is served to viewers
     */
    private record Served(DeviceServer server, DeviceSocket socket, boolean isViewed) {}

    private final DmaCore core;
    private final IoEventLoop control = Loops.start("sluice-control");
    private final WorkerPool workers = new WorkerPool();
    private final FenceDomain fences = new FenceDomain(FenceOptions.DEFAULT);
    /** Late fences fail, so that no device waits for ever. */
    private final FenceWatch fenceWatch = fences.watch(LatePolicy.FAIL);
    private final ExecutorService writer = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-writer").daemon().factory());
    private final InputSeats seats = new InputSeats();
    private final List<Served> served = new CopyOnWriteArrayList<>();
    /** Sockets of devices that are still being made. */
    private final IdentityHashMap<DeviceOptions, DeviceSocket> unserved = new IdentityHashMap<>();
    private final Map<String, Integer> names = new HashMap<>();
    private final CountDownLatch end = new CountDownLatch(1);
    /** Devices whose front-end may still come or go, and one for {@link #run}. */
    private final AtomicInteger awaited = new AtomicInteger(1);
    /** What is closed when the devices are. */
    private final List<Closeable> held = new ArrayList<>();
    private @Nullable Witness witness;
    private @Nullable Screens screens;
    private @Nullable ConsoleServer console;
    private @Nullable String failure;
    private boolean closed;

    /** @param core through which the devices share buffers */
    public ServerProcess(DmaCore core) {
        this.core = core;
    }

    DmaCore core() {
        return core;
    }

    IoEventLoop control() {
        return control;
    }

    WorkerPool workers() {
        return workers;
    }

    /** Fences of all devices; one that is late fails. */
    FenceDomain fences() {
        return fences;
    }

    /** The input devices of the process. */
    InputSeats seats() {
        return seats;
    }

    /**
     * Enables the witness: guest kernels will report their DMA calls for PCI functions added from here on.
     */
    public void openWitness() {
        if (witness == null) witness = new Witness(core);
    }

    /** The witness, or null without one. */
    @Nullable
    Witness witness() {
        return witness;
    }

    /**
     * Opens a console (HTTP), which shows the devices added from here on.
     *
     * @param address {@code ADDRESS:PORT}
     * @param isRemote whether other hosts may reach it
     * @param token file with the secret that its users know, or null for a random one
     * @param captures what its page starts and stops
     * @throws IOException the address is in use, or there is no such file
     * @throws WrongOptionException it is no address, or one that other hosts can reach, which was not allowed
     */
    public void openConsole(String address, boolean isRemote, @Nullable Path token, Captures captures)
            throws IOException, WrongOptionException {
        InetSocketAddress where = consoleAddress(address, isRemote);
        Screens shown = new Screens();
        List<Capture> all = captures.of(core);
        console = ConsoleServer.open(where, token == null ? AccessToken.random() : AccessToken.of(token),
                ConsoleLimits.DEFAULT, new Shown(shown, all));
        screens = shown;
        all.forEach(this::hold);
    }

    /**
     * The address of a console.
     *
     * @param isRemote whether other hosts may reach it
     * @throws WrongOptionException it is no address, or one that other hosts can reach, which was not allowed
     */
    public static InetSocketAddress consoleAddress(String address, boolean isRemote) throws WrongOptionException {
        InetSocketAddress where;
        try {
            where = ConsoleAddress.parse(address);
        } catch (IOException e) {
            throw new WrongOptionException("--console=" + e.getMessage());
        }
        if (!isRemote && !where.getAddress().isLoopbackAddress())
            throw new WrongOptionException(
                    "--console=%s: other hosts can reach it; give 127.0.0.1, or --console-remote if you mean it"
                            .formatted(address));
        return where;
    }

    /** The process as its console shows it. */
    private final class Shown implements Watched {
        private final Screens own;
        private final List<Capture> captures;

        Shown(Screens own, List<Capture> captures) {
            this.own = own;
            this.captures = captures;
        }

        @Override
        public List<ReportedDevice> devices() {
            return served.stream().map(one -> one.server.reported()).toList();
        }

        @Override
        public Screens screens() {
            return own;
        }

        @Override
        public DmaCore core() {
            return core;
        }

        @Override
        public List<Capture> captures() {
            return captures;
        }

        @Override
        public void show() {
            ServerProcess.this.show();
        }
    }

    /** The screens that a console shows, or null without one. */
    @Nullable
    Screens screens() {
        return screens;
    }

    private void show() {
        served.forEach(one -> one.server.show(writer));
    }

    /** Registers a resource to be closed at the end, after all devices. */
    public void hold(Closeable thing) {
        held.add(thing);
    }

    /**
     * Adds a device, which {@link #run} will serve; a front-end can connect from here on.
     *
     * @param options of the device; with exactly one of {@code socket-path} and {@code fd}
     * @throws WrongOptionException an option has a value that it cannot have
     * @throws IOException the device cannot be created, or the socket cannot be used
     */
    public void add(DeviceProvider provider, DeviceOptions options) throws IOException, WrongOptionException {
        synchronized (this) {
            unserved.put(options, DeviceSocket.open(options));
        }
        make(provider, options);
    }

    /** Makes a device for its socket. Does nothing in a process that has ended meanwhile. */
    private synchronized void make(DeviceProvider provider, DeviceOptions options)
            throws IOException, WrongOptionException {
        DeviceSocket socket = unserved.get(options);
        if (closed || socket == null) return;
        int number = names.merge(provider.name(), 1, Integer::sum);
        String name = number == 1 ? provider.name() : provider.name() + "-" + number;
        DeviceServer server = DeviceServer.make(provider, options, name, this);
        served.add(new Served(server, socket, options.isGiven("vnc")));
    }

    /** {@link #serve(List, DeviceSockets)}, with sockets that are opened now. */
    public void serve(List<DeviceCatalog.Chosen> devices)
            throws IOException, InterruptedException, WrongOptionException {
        serve(devices, DeviceSockets.open(devices));
    }

    /**
     * Serves all devices or none, because a script cannot use a process that lacks one of its devices: {@link #add} for each, with a
     * witness if there is one, and {@link #run}. If one cannot be made, all sockets are removed.
     *
     * @param sockets of all devices; they are taken over
     */
    public void serve(List<DeviceCatalog.Chosen> devices, DeviceSockets sockets)
            throws IOException, InterruptedException, WrongOptionException {
        Thread hook = endsWithTheProcess();
        try {
            take(sockets);
            if (devices.stream().anyMatch(device -> device.provider().witnesses())) openWitness();
            for (DeviceCatalog.Chosen device : devices) make(device.provider(), device.options());
            begin();
            end.await();
        } finally {
            withdraw(hook);
            close();
        }
        if (failure != null) throw new IOException(failure);
    }

    /** If the process has ended meanwhile, they are left to the end of {@code sockets}. */
    private synchronized void take(DeviceSockets sockets) {
        if (!closed) unserved.putAll(sockets.take());
    }

    private void oneLess() {
        if (awaited.decrementAndGet() == 0) end.countDown();
    }

    /**
     * Serves the devices, logs their sockets, and returns at the end, when the last front-end's resources are released.
     *
     * @throws IOException a device could not be served or closed
     */
    public void run() throws IOException, InterruptedException {
        Thread hook = endsWithTheProcess();
        try {
            begin();
            end.await();
        } finally {
            withdraw(hook);
            close();
        }
        if (failure != null) throw new IOException(failure);
    }

    /** From here on a signal ends the devices, and then the process. */
    private Thread endsWithTheProcess() {
        Thread hook = new Thread(() -> {
            close();
            // Otherwise the JVM would exit with 143. No logging here: the logging framework has a shutdown hook of its
            // own.
            if (failure != null) ErrorOutput.ofProcess().write("sluice: %s%n".formatted(failure));
            if (!FlightRecordings.awaitWritten(RECORDINGS))
                ErrorOutput.ofProcess()
                        .write("sluice: the recording of JDK Flight Recorder was not written within %d s%n"
                                .formatted(RECORDINGS.toSeconds()));
            ErrorOutput.ofProcess().flush(LAST_LINES);
            Runtime.getRuntime().halt(failure == null ? 0 : 1);
        }, "sluice-end");
        Runtime.getRuntime().addShutdownHook(hook);
        return hook;
    }

    /** Serves the devices, and tells where; then how to attach them, for which QEMU is asked. */
    private void begin() throws IOException, InterruptedException {
        synchronized (this) {
            if (closed) return;
            for (Served one : served) serve(one);
            Thread.ofPlatform().name("sluice-prepare").daemon()
                    .start(() -> served.forEach(one -> one.server.prepare()));
            PictureSignal.watch(control, this::show);
            control.scheduleAtFixedRate(() -> served.forEach(one -> one.server.tellIfStalled(PATIENCE_NANOS)), 1, 1,
                    TimeUnit.SECONDS);
            System.out.flush();
            oneLess();
        }
        for (Served one : served)
            if (one.socket instanceof DeviceSocket.Listening listening)
                System.out.println(one.server.hint(listening.socket().path(), one.isViewed));
        if (console != null) System.out.println("console " + console.url());
        System.out.flush();
    }

    private void serve(Served one) throws IOException {
        awaited.incrementAndGet();
        unserved.values().remove(one.socket);
        // Without a switch on types, which takes milliseconds the first time.
        if (one.socket instanceof DeviceSocket.Listening listening) {
            one.server.listen(listening.socket());
            System.out.println("listening on " + listening.socket().path());
        } else if (one.socket instanceof DeviceSocket.Activated activated) {
            one.server.accept(activated.socket(), activated.name());
            System.out.println("listening on " + activated.name());
        } else {
            one.server.serve(((DeviceSocket.Inherited) one.socket).socket(), this::oneLess);
        }
    }

    private static void withdraw(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // A signal came first: the shutdown hook ends the process.
            Thread.currentThread().interrupt();
        }
    }

    /** Ends all that was added. */
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        unserved.values().forEach(DeviceSockets::abandon);
        if (console != null) console.close();
        workers.close();
        fenceWatch.close();
        for (Served one : served) one.server.close();
        writer.shutdown(); // not before: a loop that was asked for its statistics hands them over
        failure = served.stream().map(one -> one.server.failure()).filter(Objects::nonNull).findFirst().orElse(null);
        awaitWriter();
        for (Closeable thing : held) {
            try {
                thing.close();
            } catch (IOException e) {
                if (failure == null) failure = "closing the recording failed: " + e.getMessage();
            }
        }
        Loops.stop(control);
        end.countDown();
    }

    private void awaitWriter() {
        try {
            if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS) && failure == null)
                failure = "pictures and statistics were not written within %d s".formatted(CLOSE_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
