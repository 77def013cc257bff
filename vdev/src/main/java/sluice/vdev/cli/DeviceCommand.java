package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.FaultKind;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.qemu.QemuDisplay;
import sluice.vdev.serve.DeviceArgument;
import sluice.vdev.serve.DeviceCatalog;
import sluice.vdev.serve.ServerProcess;

/**
 * {@code sluice NAME} for one device: the same as {@code sluice serve --device=NAME}, with the device's options as
 * options of the command, following the conventions for vhost-user programs (QEMU docs/interop/vhost-user.rst).
 */
final class DeviceCommand implements Callable<Integer> {
    private static final String CAPABILITIES = "print-capabilities";

    private final DeviceProvider provider;
    private final CommandSpec spec;
    private final MachineOption machine = new MachineOption();

    private DeviceCommand(DeviceProvider provider) {
        this.provider = provider;
        spec = CommandSpec.wrapWithoutInspection(this).name(provider.name()).mixinStandardHelpOptions(true);
        spec.usageMessage().description(provider.description()).footer("", FaultKind.grammar(),
                "Signals: SIGTERM ends it; SIGUSR2 makes it write its pictures and statistics.");
        for (DeviceOption option : DeviceArgument.known(provider).values()) {
            OptionSpec.Builder builder = OptionSpec.builder("--" + option.name()).description(option.description())
                    .hidden(option.hidden());
            if (option.value().isEmpty()) {
                builder.arity("0").type(boolean.class);
            } else if (!option.repeatable()) {
                builder.arity("1").type(String.class).paramLabel(option.value());
            } else {
                builder.arity("1").type(List.class).auxiliaryTypes(String.class).paramLabel(option.value());
            }
            spec.addOption(builder.build());
        }
        spec.addOption(OptionSpec.builder("--" + CAPABILITIES).arity("0").type(boolean.class)
                .description("Print the capabilities of this program as JSON, and exit.").build());
        spec.addMixin("machine", CommandSpec.forAnnotatedObject(machine));
    }

    /** The command of a device. */
    static CommandLine of(DeviceProvider provider) {
        return new CommandLine(new DeviceCommand(provider).spec);
    }

    private boolean isGiven(String name) {
        return spec.commandLine().getParseResult().hasMatchedOption("--" + name);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (isGiven(CAPABILITIES)) {
            spec.commandLine().getOut().println("""
                    {
                      "type": "%s",
                      "features": [%s]
                    }""".formatted(provider.name(), features()));
            return 0;
        }
        try {
            // Wrong options are told before a file is created.
            List<DeviceCatalog.Chosen> chosen = List
                    .of(new DeviceCatalog.Chosen(provider, argument().optionsOf(provider)));
            try (ServerProcess process = ServeCommand.open(machine, spec)) {
                process.serve(chosen);
            }
        } catch (WrongOptionException e) {
            throw new ParameterException(spec.commandLine(), asOption(String.valueOf(e.getMessage())));
        }
        return 0;
    }

    /**
     * libvirt 9 writes an empty element {@code acceleration} for a GPU without features, which it cannot read when its daemon is started
     * again, and then forgets the running VM. With "render-node" it writes the host's node, if there is one; with "virgl" its user can
     * say {@code accel3d='no'}, for which it passes {@code --virgl} all the same.
     */
    private String features() throws IOException {
        if (!provider.name().equals("gpu")) return "";
        return QemuDisplay.hasRenderNode(Path.of("/dev/dri")) ? "\"render-node\"" : "\"virgl\"";
    }

    /** Converts option names in descriptions: {@code fps=0} of a device is {@code --fps=0} of a command. */
    private String asOption(String sentence) {
        String named = provider.name() + ": ";
        String own = sentence.startsWith(named) ? sentence.substring(named.length()) : sentence;
        return own.matches("[a-z][a-z-]*=.*") ? "--" + own : own;
    }

    /** What was parsed. */
    DeviceArgument argument() {
        return new DeviceArgument(provider.name(), given());
    }

    private Map<String, List<String>> given() {
        Map<String, List<String>> given = new LinkedHashMap<>();
        for (DeviceOption option : DeviceArgument.known(provider).values()) {
            if (!isGiven(option.name())) continue;
            List<String> values = new ArrayList<>();
            switch (spec.commandLine().getParseResult().matchedOptionValue("--" + option.name(), (Object) "")) {
                case List<?> many -> many.forEach(value -> values.add(value.toString()));
                case Boolean present -> values.add("");
                case Object one -> values.add(one.toString());
            }
            given.put(option.name(), values);
        }
        return given;
    }
}
