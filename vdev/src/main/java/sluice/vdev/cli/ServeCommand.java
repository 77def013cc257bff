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

import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.FaultKind;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.DeviceArgument;
import sluice.vdev.serve.DeviceCatalog;
import sluice.vdev.serve.DeviceList;
import sluice.vdev.serve.ServerProcess;

/** {@code sluice serve}: several devices in one process, Sluice's own and those of plug-ins. */
@Command(name = "serve", mixinStandardHelpOptions = true, description = "Serve several devices in one process, Sluice's own and those of plug-ins.", footer = {
        "", "For example:",
        "  sluice serve --device=gpu,socket-path=/tmp/gpu.sock --device=grabber,socket-path=/tmp/grabber.sock",
        "Signals: SIGTERM ends it; SIGUSR2 makes each device write its pictures and statistics." })
final class ServeCommand implements Callable<Integer> {
    private @Nullable CommandSpec spec;

    /** Called by picocli. */
    @Spec
    void setSpec(CommandSpec given) {
        spec = given;
        List<String> footer = new ArrayList<>(List.of(given.usageMessage().footer()));
        footer.add("");
        footer.addAll(FaultKind.grammar().lines().toList());
        given.usageMessage().footer(footer.toArray(String[]::new));
    }

    @Option(names = "--device", paramLabel = "NAME,OPTION=VALUE,...", description = "Serve this device; may be repeated. Write a comma inside a value twice.")
    private List<String> devices = List.of();

    @Option(names = "--plugin", paramLabel = "JAR", description = "Also load devices from this jar; may be repeated.")
    private List<Path> plugins = List.of();

    @Option(names = "--list", description = "List all devices with their options, and exit.")
    private boolean list;

    @Option(names = "--json", description = "Print the list as JSON.")
    private boolean json;

    @Mixin
    private MachineOption machine = new MachineOption();

    /** A device that is about to be served. */
    private record Chosen(DeviceProvider provider, DeviceOptions options) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        DeviceCatalog catalog = DeviceCatalog.of(plugins);
        if (list) {
            PrintWriter out = commandSpec().commandLine().getOut();
            out.print(json ? DeviceList.json(catalog) : DeviceList.text(catalog));
            out.flush();
            return 0;
        }
        if (json) throw usage("--json needs --list");
        if (devices.isEmpty()) throw usage("give --device=NAME,... or --list; the devices are " + catalog.names());
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
                        "unknown device \"%s\"; the devices are %s".formatted(argument.name(), catalog.names()));
            }
            DeviceOptions options = argument.optionsOf(kind.provider());
            String where = options.isGiven("fd") ? "fd" : "socket-path";
            String socket = String.valueOf(options.text(where));
            if (!sockets.add(List.of(where, socket))) {
                throw new WrongOptionException(
                        "%s=%s is used by two devices; each needs its own".formatted(where, socket));
            }
            all.add(new Chosen(kind.provider(), options));
        }
        return all;
    }

    /** All devices or none: a script cannot use a process that lacks one of its devices. */
    private void serve(List<Chosen> all) throws IOException, InterruptedException, WrongOptionException {
        try (ServerProcess process = machine.open(commandSpec())) {
            if (all.stream().anyMatch(chosen -> chosen.provider().witnesses())) process.openWitness();
            for (Chosen chosen : all) process.add(chosen.provider(), chosen.options());
            process.run();
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
