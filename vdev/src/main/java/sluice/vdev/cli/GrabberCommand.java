package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.dmacore.device.Stream;
import sluice.iommu.injection.Rule;
import sluice.vdev.grabber.FrameFile;
import sluice.vdev.grabber.FrameSource;
import sluice.vdev.grabber.Grabber;
import sluice.vdev.grabber.TestPattern;
import sluice.vdev.plugin.ProvidedDevice;

/** {@code sluice grabber}: a frame grabber that Linux knows, as a PCI function behind a vfio-user socket. */
@Command(name = "grabber", mixinStandardHelpOptions = true, description = "A frame grabber (DT3155, grey, 768x576 or 640x480) behind a vfio-user socket; QEMU 10.1 or later.")
final class GrabberCommand implements Callable<Integer> {
    private static final String CAPABILITIES = """
            {
              "type": "grabber",
              "features": []
            }""";
    private static final int MOST_FRAMES = 1000;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--socket-path", paramLabel = "PATH", description = "Listen on this UNIX socket; serves one front-end after the other.")
    private @Nullable Path socketPath;

    @Option(names = "--fd", paramLabel = "N", description = "Serve the front-end at the other end of this inherited socket, and end with it.")
    private @Nullable Integer fd;

    @Option(names = "--transport", paramLabel = "NAME", defaultValue = "vfio-user", description = "vfio-user, which is the default and the only one.")
    private String transport = "vfio-user";

    @Option(names = "--print-capabilities", description = "Print what this program can do as JSON, and end.")
    private boolean printCapabilities;

    @Option(names = "--pattern", description = "Show a moving test pattern, the default.")
    private boolean pattern;

    @Option(names = "--file", paramLabel = "FILE", description = "Show the pictures of this file over and over: YUV4MPEG2 (.y4m), or raw grey ones of 768x576.")
    private @Nullable Path file;

    @Option(names = "--fps", paramLabel = "N", defaultValue = "25", description = "Pictures per second, 1 to 1000 (default ${DEFAULT-VALUE}).")
    private int framesPerSecond = 25;

    @Option(names = "--stats", paramLabel = "FILE", description = "Write statistics as JSON when it ends, and at each SIGUSR2.")
    private @Nullable Path statistics;

    @Option(names = "--inject", paramLabel = "FAULT", description = { Injections.HELP, Injections.HELP_DENY,
            Injections.HELP_DELAY, Injections.HELP_OTHERS, Injections.HELP_NUMBERS })
    private List<String> injections = List.of();

    @Mixin
    private CoreOption core = new CoreOption();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (printCapabilities) {
            commandSpec().commandLine().getOut().println(CAPABILITIES);
            return 0;
        }
        ProvidedDevice.Wiring wiring = wiring();
        DeviceSocket socket = DeviceSocket.of(socketPath, fd);
        try (ServerProcess process = new ServerProcess()) {
            CoreOption.Machine machine = machine();
            process.hold(machine);
            process.add(wiring.open(process.control(), machine.core()), socket);
            process.run();
        }
        return 0;
    }

    /** The device that the options ask for, wherever its front-end comes from. */
    ProvidedDevice.Wiring wiring() throws IOException {
        check();
        List<Rule> rules = rules();
        Grabber grabber = new Grabber(source(), framesPerSecond);
        Stream stream = stream();
        Path target = statistics;
        return (control, shared) -> EndpointServer.of(grabber, control, shared, stream, rules, host -> target == null
                ? EndpointServer.NOTHING
                : new GrabberReport(grabber, host, shared, target.toAbsolutePath()).take());
    }

    private FrameSource source() throws IOException {
        return file == null ? new TestPattern() : FrameFile.open(file);
    }

    private void check() throws IOException {
        if ((socketPath == null) == (fd == null)) throw usage("give exactly one of --socket-path=PATH and --fd=N");
        if (!transport.equals("vfio-user"))
            throw usage("--transport=" + transport + ": a grabber is a PCI function, which only vfio-user carries");
        if (pattern && file != null) throw usage("give one of --pattern and --file=FILE");
        if (framesPerSecond < 1 || framesPerSecond > MOST_FRAMES)
            throw usage("--fps=" + framesPerSecond + ": give 1 to " + MOST_FRAMES);
        Path folder = statistics == null ? null : statistics.toAbsolutePath().getParent();
        if (statistics != null && (folder == null || !Files.isDirectory(folder)))
            throw new IOException("--stats=%s: there is no folder %s".formatted(statistics, folder));
    }

    private List<Rule> rules() {
        try {
            return Injections.ofFunction(injections);
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    private Stream stream() {
        try {
            return core.stream();
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    private CoreOption.Machine machine() throws IOException {
        try {
            return core.open();
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(commandSpec().commandLine(), sentence);
    }
}
