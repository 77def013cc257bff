package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

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
            List<DeviceCatalog.Chosen> chosen = catalog.choose(devices.stream().map(DeviceArgument::parse).toList());
            try (ServerProcess process = open(machine, commandSpec())) {
                process.serve(chosen);
            }
        } catch (WrongOptionException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
        return 0;
    }

    /** A process without devices, for a command: an invalid value is an error of usage. */
    static ServerProcess open(MachineOption machine, CommandSpec spec) throws IOException {
        try {
            return machine.open();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
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
