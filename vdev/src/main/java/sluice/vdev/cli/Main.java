package sluice.vdev.cli;

import java.time.Duration;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code sluice}: the devices and the tools around them. */
@Command(name = "sluice", mixinStandardHelpOptions = true, version = "sluice 0.1.0", subcommands = { GpuCommand.class,
        GrabberCommand.class,
        ServeCommand.class,
        TraceCommand.class,
        DoctorCommand.class,
        InstallManifestCommand.class }, description = "Virtual devices for QEMU-style virtual machines, served by a Java process.")
public final class Main {
    /** Kept, because loggers that nobody holds lose their settings. */
    private static final Logger OURS = Logger.getLogger("sluice");
    private static final Logger CHRONICLES = Logger.getLogger("net.openhft");

    /** How long the reader of standard error may take for what is left at the end. */
    static final Duration LAST_LINES = Duration.ofSeconds(1);

    private Main() {}

    public static void main(String[] arguments) {
        int code = run(new CommandLine(new Main()), arguments);
        ErrorOutput.ofProcess().flush(LAST_LINES);
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

    /** One line a message on standard error; {@code -Dsluice.log=FINE} shows every protocol message. */
    private static void configureLogging() {
        System.setProperty("java.util.logging.SimpleFormatter.format", "%4$s: %5$s%6$s%n");
        Level level = Level.parse(System.getProperty("sluice.log", "INFO"));
        OURS.setLevel(level);
        // It says where it was loaded from and how long a file took.
        CHRONICLES.setLevel(Level.WARNING);
        OURS.setUseParentHandlers(false);
        for (Handler old : OURS.getHandlers()) OURS.removeHandler(old);
        Handler handler = new LogHandler(ErrorOutput.ofProcess());
        handler.setLevel(level);
        OURS.addHandler(handler);
    }
}
