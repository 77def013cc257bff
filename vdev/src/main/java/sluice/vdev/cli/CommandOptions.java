package sluice.vdev.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** Makes the options of a command for one device those of the same device under {@code serve}, word for word. */
final class CommandOptions {
    private static final String PREFIX = "--";
    /** What only makes sense for a process with one device. */
    private static final Set<String> OF_THE_PROCESS = Set.of("help", "version", "print-capabilities", "record",
            "record-events", "flavour", "eviction", "held-long", "findings-of");

    private CommandOptions() {}

    /** The command's options. */
    static List<DeviceOption> of(Object command) {
        List<DeviceOption> options = new ArrayList<>();
        for (OptionSpec option : new CommandLine(command).getCommandSpec().options()) {
            String name = option.longestName().substring(PREFIX.length());
            if (option.hidden() || OF_THE_PROCESS.contains(name)) continue;
            String value = option.arity().max() == 0 ? "" : option.paramLabel();
            options.add(new DeviceOption(name, value, String.join(" ", option.description()), option.isMultiValue()));
        }
        return options;
    }

    /** Something that a command may say no to. */
    interface Step<T> {
        T take() throws IOException;
    }

    /**
     * Gives the command its options, and then does what it is made for.
     *
     * @throws WrongOptionException the command says that they are wrong
     */
    static <T> T apply(Object command, DeviceOptions options, Step<T> next)
            throws IOException, WrongOptionException {
        List<String> arguments = new ArrayList<>();
        for (Map.Entry<String, List<String>> option : options.all().entrySet()) {
            for (String value : option.getValue())
                arguments.add(PREFIX + option.getKey() + (value.isEmpty() ? "" : "=" + value));
        }
        try {
            new CommandLine(command).parseArgs(arguments.toArray(String[]::new));
            return next.take();
        } catch (ParameterException e) {
            throw new WrongOptionException(String.valueOf(e.getMessage()));
        }
    }
}
