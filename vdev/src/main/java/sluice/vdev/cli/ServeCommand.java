package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.iommu.injection.Rule;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceServer;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** {@code sluice serve}: several devices in one process, Sluice's own and those of plug-ins. */
@Command(name = "serve", mixinStandardHelpOptions = true, description = "Several devices in one process, Sluice's own and those of plug-ins.", footer = {
        "", "For example:",
        "  sluice serve --device=gpu,socket-path=/tmp/gpu.sock --device=grabber,socket-path=/tmp/grabber.sock",
        "Signals: SIGTERM ends it, SIGUSR2 writes what the scan-outs show as PNG." })
final class ServeCommand implements Callable<Integer> {
    private static final String VHOST_USER = "vhost-user";
    private static final String VFIO_USER = "vfio-user";

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--device", paramLabel = "NAME,OPTION=VALUE,...", description = "Serve this device; may be repeated. A comma inside of a value is written twice.")
    private List<String> devices = List.of();

    @Option(names = "--plugin", paramLabel = "JAR", description = "Look for devices in this jar, too; may be repeated.")
    private List<Path> plugins = List.of();

    @Option(names = "--list", description = "Print the devices there are and their options, and end.")
    private boolean list;

    @Option(names = "--json", description = "Print the list for machines.")
    private boolean json;

    @Mixin
    private RecordOption record = new RecordOption();

    @Mixin
    private ModelOption model = new ModelOption();

    /** A device that is about to be served. */
    private record Chosen(DeviceArgument argument, DeviceOptions options, DeviceCatalog.Entry kind) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        DeviceCatalog catalog = DeviceCatalog.of(plugins);
        if (list) {
            PrintWriter out = commandSpec().commandLine().getOut();
            out.print(json ? DeviceList.json(catalog) : DeviceList.text(catalog));
            out.flush();
            return 0;
        }
        if (json) throw usage("--json belongs to --list");
        checkModel();
        if (devices.isEmpty()) throw usage("give --device=NAME,... or --list; there are " + catalog.names());
        try {
            serve(chosen(catalog));
        } catch (WrongOptionException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
        return 0;
    }

    private List<Chosen> chosen(DeviceCatalog catalog) throws WrongOptionException {
        List<Chosen> all = new ArrayList<>();
        Set<List<String>> sockets = new HashSet<>();
        for (String text : devices) {
            DeviceArgument argument = DeviceArgument.parse(text);
            DeviceCatalog.Entry kind = catalog.find(argument.name());
            if (kind == null) {
                throw new WrongOptionException(
                        "there is no device \"%s\"; there are %s".formatted(argument.name(), catalog.names()));
            }
            DeviceOptions options = argument.optionsOf(kind.provider());
            String fd = options.text("fd");
            String socket = fd == null ? String.valueOf(options.text("socket-path")) : fd;
            if (!sockets.add(List.of(fd == null ? "socket-path" : "fd", socket))) {
                throw new WrongOptionException(
                        "%s=%s is given to two devices; each needs its own".formatted(fd == null ? "socket-path" : "fd",
                                socket));
            }
            all.add(new Chosen(argument, options, kind));
        }
        return all;
    }

    /** All of them or none: a process that lacks one of its devices is none that a script can rely on. */
    private void serve(List<Chosen> all) throws IOException, InterruptedException, WrongOptionException {
        List<ProvidedDevice> made = new ArrayList<>();
        for (Chosen chosen : all) made.add(create(chosen));
        try (ServerProcess process = new ServerProcess()) {
            RecordOption.Open recording = recording();
            process.hold(recording);
            DmaCore core = model.open(recording, true);
            process.hold(() -> CoreOption.report(core));
            for (int i = 0; i < all.size(); i++) {
                Chosen chosen = all.get(i);
                DeviceServer server = open(chosen, made.get(i), process, core);
                process.add(server, socket(chosen.options()));
            }
            process.run();
        }
    }

    private void checkModel() {
        try {
            model.check();
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    private RecordOption.Open recording() throws IOException, WrongOptionException {
        try {
            return record.open();
        } catch (IllegalArgumentException e) {
            throw new WrongOptionException(String.valueOf(e.getMessage()));
        }
    }

    private static ProvidedDevice create(Chosen chosen) throws IOException, WrongOptionException {
        String name = chosen.argument().name();
        try {
            ProvidedDevice made = chosen.kind().provider().create(chosen.options());
            requireTransport(name, made, chosen.options().text("transport"));
            requireCoherency(name, made, chosen.options());
            requireRules(name, made, chosen.options());
            return made;
        } catch (WrongOptionException e) {
            throw new WrongOptionException(name + ": " + e.getMessage());
        } catch (RuntimeException | LinkageError e) {
            // A plug-in's own fault: its user needs the name of the device, its author the whole of it.
            throw new IOException("the device %s cannot be made: %s".formatted(name, e), e);
        }
    }

    /** A device that wires itself judges the option itself. */
    private static void requireTransport(String name, ProvidedDevice made, @Nullable String asked)
            throws WrongOptionException {
        if (asked == null || made instanceof ProvidedDevice.Wired) return;
        if (!asked.equals(VHOST_USER) && !asked.equals(VFIO_USER))
            throw new WrongOptionException("transport=%s: give %s or %s".formatted(asked, VHOST_USER, VFIO_USER));
        if (made instanceof ProvidedDevice.Function && !asked.equals(VFIO_USER)) {
            throw new WrongOptionException("transport=%s: %s is a PCI function, which only %s carries".formatted(asked,
                    name, VFIO_USER));
        }
    }

    /** As above. A device that is no function says itself when a buffer is its turn, and has no word for this. */
    private static void requireCoherency(String name, ProvidedDevice made, DeviceOptions options)
            throws WrongOptionException {
        if (made instanceof ProvidedDevice.Wired) return;
        Stream stream = stream(options);
        if (made instanceof ProvidedDevice.Virtio && !stream.coherent()) {
            throw new WrongOptionException(
                    "coherency=non-coherent: when a buffer of %s changes hands is not known, only that of a PCI function or of the gpu"
                            .formatted(name));
        }
    }

    private static Stream stream(DeviceOptions options) throws WrongOptionException {
        String asked = options.text("coherency");
        Stream stream = CoreOption.stream(asked == null ? "coherent" : asked);
        if (stream == null) throw new WrongOptionException("coherency=" + asked + ": give coherent or non-coherent");
        return stream;
    }

    /** As above. */
    private static void requireRules(String name, ProvidedDevice made, DeviceOptions options)
            throws WrongOptionException {
        if (made instanceof ProvidedDevice.Wired) return;
        if (made instanceof ProvidedDevice.Virtio && options.isGiven("inject")) {
            throw new WrongOptionException(
                    "inject=%s: %s has no address space of its own in which to fail, as a PCI function and the gpu have"
                            .formatted(options.text("inject"), name));
        }
        rules(options);
    }

    private static List<Rule> rules(DeviceOptions options) throws WrongOptionException {
        try {
            return Injections.ofFunction(options.texts("inject"));
        } catch (IllegalArgumentException e) {
            throw new WrongOptionException(String.valueOf(e.getMessage()));
        }
    }

    private static DeviceServer open(Chosen chosen, ProvidedDevice made, ServerProcess process, DmaCore core)
            throws IOException, WrongOptionException {
        String name = chosen.argument().name();
        boolean onPci = VFIO_USER.equals(chosen.options().text("transport"));
        try {
            return switch (made) {
                case ProvidedDevice.Function given -> EndpointServer.of(given.function(), process.control(), core,
                        stream(chosen.options()), rules(chosen.options()), host -> EndpointServer.NOTHING);
                case ProvidedDevice.Virtio given -> onPci
                        ? EndpointServer.onPci(name, given.device(), process.control(), core)
                        : EndpointServer.of(name, given.device(), process.control(), core);
                case ProvidedDevice.Wired given -> given.wiring().open(process.control(), core);
            };
        } catch (IllegalArgumentException e) {
            throw new IOException("the device %s cannot be served: %s".formatted(name, e.getMessage()), e);
        }
    }

    private static DeviceSocket socket(DeviceOptions options) throws IOException, WrongOptionException {
        boolean inherited = options.isGiven("fd");
        return DeviceSocket.of(options.path("socket-path"),
                inherited ? (int) options.number("fd", -1, 0, Integer.MAX_VALUE) : null);
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
