package sluice.vdev.cli;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

import picocli.CommandLine;
import picocli.CommandLine.Command;

import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.serve.DeviceCatalog;
import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.LogHandler;
import sluice.vdev.serve.ServerProcess;

/** {@code sluice}: the devices and the tools around them. */
@Command(name = "sluice", mixinStandardHelpOptions = true, version = "sluice 0.1.0", subcommands = { ServeCommand.class,
        TraceCommand.class,
        DoctorCommand.class,
        InstallManifestCommand.class }, description = "Virtual devices for QEMU-style virtual machines, served by a Java process.")
public final class Main {
    /** Kept, because loggers without a strong reference lose their settings. */
    private static final Logger OURS = Logger.getLogger("sluice");
    private static final Logger CHRONICLES = Logger.getLogger("net.openhft");

    private Main() {}

    public static void main(String[] arguments) {
        CommandLine commandLine = new CommandLine(new Main());
        for (DeviceProvider own : DeviceCatalog.own()) commandLine.addSubcommand(own.name(), DeviceCommand.of(own));
        int code = run(commandLine, arguments);
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
        System.exit(code);
    }

    /** Runs a command line by the rules for exit codes and errors. */
    public static int run(CommandLine commandLine, String... arguments) {
        configureLogging();
        commandLine.setExecutionExceptionHandler((failure, command, parsed) -> {
            String sentence = failure.getMessage();
            command.getErr().println("sluice: " + (sentence == null ? failure.toString() : sentence));
            OURS.log(Level.FINE, "the failure in full", failure);
            return CommandLine.ExitCode.SOFTWARE;
        });
        return commandLine.execute(arguments);
    }

    /** One line per message on standard error; {@code -Dsluice.log=FINE} shows every protocol message. */
    private static void configureLogging() {
        System.setProperty("java.util.logging.SimpleFormatter.format", "%4$s: %5$s%6$s%n");
        Level level = Level.parse(System.getProperty("sluice.log", "INFO"));
        OURS.setLevel(level);
        // It logs its origin and the time for each file.
        CHRONICLES.setLevel(Level.WARNING);
        OURS.setUseParentHandlers(false);
        for (Handler old : OURS.getHandlers()) OURS.removeHandler(old);
        Handler handler = new LogHandler(ErrorOutput.ofProcess());
        handler.setLevel(level);
        OURS.addHandler(handler);
    }
}
