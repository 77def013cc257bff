package sluice.vdev.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.serve.DeviceCatalog;
import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.ServerProcess;

/** {@code sluice}: the devices and the tools around them. */
@Command(name = "sluice", mixinStandardHelpOptions = true, version = "sluice 0.1.0", subcommands = { ServeCommand.class,
        TraceCommand.class,
        ProfileCommand.class,
        DoctorCommand.class,
        InstallManifestCommand.class }, description = "Virtual devices for QEMU-style virtual machines, served by a Java process.")
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        int code = run(commandLine(), arguments);
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
        System.exit(code);
    }

    /** All commands. */
    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new Main());
        for (DeviceProvider own : DeviceCatalog.own()) commandLine.addSubcommand(own.name(), DeviceCommand.of(own));
        String[] version = commandLine.getCommandSpec().version();
        commandLine.getSubcommands().values().forEach(command -> command.getCommandSpec().version(version));
        return commandLine;
    }

    /** Runs a command line by the rules for exit codes and errors. */
    public static int run(CommandLine commandLine, String... arguments) {
        try {
            Logging.configure();
        } catch (IllegalArgumentException e) {
            commandLine.getErr().println("sluice: " + e.getMessage());
            return CommandLine.ExitCode.USAGE;
        }
        sayInOneSentence(commandLine);
        commandLine.setExecutionExceptionHandler((failure, command, parsed) -> {
            command.getErr().println(Logging.sentence(failure));
            return CommandLine.ExitCode.SOFTWARE;
        });
        return commandLine.execute(arguments);
    }

    /** Says what is wrong with the usage of a command, or of one of its subcommands, in one sentence with a hint. */
    public static void sayInOneSentence(CommandLine commandLine) {
        commandLine.setParameterExceptionHandler((failure, arguments) -> {
            CommandLine command = failure.getCommandLine();
            command.getErr().println("sluice: %s (see ./%s --help)".formatted(failure.getMessage(),
                    command.getCommandSpec().qualifiedName()));
            return CommandLine.ExitCode.USAGE;
        });
    }
}
