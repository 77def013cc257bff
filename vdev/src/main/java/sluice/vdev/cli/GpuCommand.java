package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.iommu.fault.FaultPolicy;
import sluice.vdev.gpu.GpuOptions;

/** {@code sluice gpu}: a virtio GPU, by the conventions for vhost-user programs (QEMU docs/interop/vhost-user.rst). */
@Command(name = "gpu", mixinStandardHelpOptions = true, description = "A virtio GPU (2D) behind a vhost-user or vfio-user socket.", footer = {
        "", "Signals: SIGTERM ends it, SIGUSR2 writes what the scan-outs show as PNG." })
final class GpuCommand implements Callable<Integer> {
    private static final String CAPABILITIES = """
            {
              "type": "gpu",
              "features": []
            }""";
    private static final int BYTES_PER_MIB = 1 << 20;
    /** The loop serves nothing else while it polls. */
    private static final int MAX_POLL_MICROS = 1000;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--socket-path", paramLabel = "PATH", description = "Listen on this UNIX socket; serves one front-end after the other.")
    private @Nullable Path socketPath;

    @Option(names = "--fd", paramLabel = "N", description = "Serve the front-end at the other end of this inherited socket, and end with it.")
    private @Nullable Integer fd;

    @Option(names = "--transport", paramLabel = "NAME", defaultValue = "vhost-user", description = "vhost-user (the default), or vfio-user: a PCI function for QEMU 10.1 or later, without a display of QEMU's, so that snapshots show its pictures.")
    private String transport = "vhost-user";

    @Option(names = "--print-capabilities", description = "Print what this program can do as JSON, and end.")
    private boolean printCapabilities;

    @Option(names = "--outputs", paramLabel = "N", description = "Scan-outs, 1 to 16, each with a screen while the front-end gives no display (default: 1). Over vhost-user QEMU tells the guest its own max_outputs instead: give the same number here, or none, and commands may name any.")
    private @Nullable Integer outputs;

    @Option(names = "--memory", paramLabel = "MIB", defaultValue = "256", description = "Host memory the guest's resources may use, in MiB (default ${DEFAULT-VALUE}).")
    private int memoryMib = 256;

    @Option(names = "--resolution", paramLabel = "WxH", defaultValue = "1280x800", description = "Size of each screen while the front-end gives no display (default ${DEFAULT-VALUE}).")
    private String resolution = "1280x800";

    @Option(names = "--snapshot-every", paramLabel = "N", defaultValue = "0", description = "Write every N-th frame as PNG.")
    private int snapshotEvery;

    @Option(names = "--snapshot-dir", paramLabel = "DIR", defaultValue = ".", description = "Where PNG files go (default: here).")
    private Path snapshotDirectory = Path.of(".");

    @Option(names = "--poll-us", paramLabel = "N", defaultValue = "0", description = "Look at a queue that has run empty for up to N microseconds before waiting for a kick, 0 to 1000 (default ${DEFAULT-VALUE}, not at all). It answers busy guests sooner and costs processor time.")
    private int pollMicros;

    @Option(names = "--stats", paramLabel = "FILE", description = "Write statistics as JSON when it ends.")
    private @Nullable Path statistics;

    @Option(names = "--inject", paramLabel = "FAULT", description = {
            Injections.HELP, Injections.HELP_DENY, Injections.HELP_DELAY, Injections.HELP_OTHERS,
            "drop-invalidation[,first=A,last=A][,from=N][,count=N]", "stray-read,address=A[,from=N]",
            Injections.HELP_NUMBERS })
    private List<String> injections = List.of();

    @Option(names = "--on-fault", paramLabel = "WHAT", defaultValue = "abort", description = "When the device's own address space refuses it something: abort (default), the command fails; zero, it reads zeros and goes on; stop, the queue stops until the driver resets the device.")
    private String onFault = "abort";

    @Mixin
    private CoreOption core = new CoreOption();

    @Option(names = "--virgl", hidden = true)
    private boolean virgl;

    @Option(names = "--render-node", hidden = true, paramLabel = "PATH")
    private @Nullable Path renderNode;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (printCapabilities) {
            commandSpec().commandLine().getOut().println(CAPABILITIES);
            return 0;
        }
        GpuSetup setup = setup();
        DeviceSocket socket = DeviceSocket.of(socketPath, fd);
        GpuServer server = new GpuServer(setup);
        Thread hook = new Thread(() -> end(server), "sluice-end");
        Runtime.getRuntime().addShutdownHook(hook);
        boolean signalled;
        try {
            run(server, socket);
        } finally {
            signalled = !withdraw(hook);
        }
        String failure = server.failure();
        if (failure != null && !signalled) throw new IOException(failure);
        return 0;
    }

    /** What the options ask for, wherever the front-end comes from. */
    GpuSetup setup() throws IOException {
        if (virgl || renderNode != null) {
            throw new IOException("3D (--virgl, --render-node) is not built: this GPU has 2D commands only");
        }
        check();
        return new GpuSetup(transport(), options(), size(0), size(1), snapshotDirectory, snapshotEvery, statistics,
                TimeUnit.MICROSECONDS.toNanos(pollMicros), injections(), machine());
    }

    private static void run(GpuServer server, DeviceSocket socket) throws IOException, InterruptedException {
        try (server) {
            switch (socket) {
                case DeviceSocket.Inherited inherited -> server.serve(inherited.socket(), () -> {});
                case DeviceSocket.Listening listening -> {
                    server.listen(listening.path());
                    System.out.println("listening on " + listening.path());
                    System.out.println(server.hint(listening.path()));
                    System.out.flush();
                }
            }
            server.awaitEnd();
        }
    }

    /**
     * Ends quickly and cleanly on SIGTERM; a JVM would otherwise exit with 143. Nothing is logged any more here: the
     * logging has a hook of its own.
     */
    private static void end(GpuServer server) {
        server.close();
        String failure = server.failure();
        if (failure != null) ErrorOutput.ofProcess().write("sluice: %s%n".formatted(failure));
        ErrorOutput.ofProcess().flush(Main.LAST_LINES);
        Runtime.getRuntime().halt(failure == null ? 0 : 1);
    }

    /** A command that ends by itself has an exit status of its own. Returns false if a signal was faster. */
    private static boolean withdraw(Thread hook) {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            return false;
        }
    }

    private void check() throws IOException {
        if ((socketPath == null) == (fd == null)) throw usage("give exactly one of --socket-path=PATH and --fd=N");
        if (transport() == GpuTransport.VFIO_USER && !injections().front().isEmpty()) {
            throw usage("--inject=drop-invalidation needs --transport=vhost-user: over vfio-user nothing is cached");
        }
        if (snapshotEvery < 0)
            throw usage("--snapshot-every=" + snapshotEvery + ": the number of frames cannot be negative");
        if (pollMicros < 0 || pollMicros > MAX_POLL_MICROS) {
            throw usage("--poll-us=" + pollMicros + ": give 0 to " + MAX_POLL_MICROS + " microseconds");
        }
        if (!resolution.matches("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")) {
            throw usage("--resolution=" + resolution + ": write it as WIDTHxHEIGHT, each 1 to 99999");
        }
        if (!Files.isDirectory(snapshotDirectory)) {
            throw new IOException("--snapshot-dir=" + snapshotDirectory + " is no folder");
        }
    }

    private int size(int side) {
        return Integer.parseInt(resolution.split("x", -1)[side]);
    }

    private GpuOptions options() {
        try {
            GpuOptions told = new GpuOptions(outputs == null ? 1 : outputs, (long) memoryMib * BYTES_PER_MIB, policy());
            return outputs == null && transport() == GpuTransport.VHOST_USER ? told.withAnyScanout() : told;
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    private FaultPolicy policy() {
        return switch (onFault) {
            case "abort" -> new FaultPolicy.Abort();
            case "zero" -> new FaultPolicy.ReadZeroDropWrite();
            case "stop" -> new FaultPolicy.StopQueue();
            default -> throw usage("--on-fault=" + onFault + ": give abort, zero or stop");
        };
    }

    private GpuTransport transport() {
        try {
            return GpuTransport.of(transport);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    private Injections injections() {
        try {
            return Injections.parse(injections);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    private CoreOption.Machine machine() throws IOException {
        try {
            return core.open();
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }

    private ParameterException usage(@Nullable String sentence) {
        return new ParameterException(commandSpec().commandLine(), String.valueOf(sentence));
    }
}
