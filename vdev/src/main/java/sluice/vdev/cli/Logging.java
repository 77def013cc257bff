package sluice.vdev.cli;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.LogHandler;

/** What a process writes to standard error. */
final class Logging {
    /** Kept, because loggers without a strong reference lose their settings. */
    private static final Logger OURS = Logger.getLogger("sluice");
    private static final Logger CHRONICLES = Logger.getLogger("net.openhft");

    private Logging() {}

    /** One line per message; {@code -Dsluice.log=FINE} shows every protocol message. */
    static void configure() {
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

    /** The line for a command that failed; its stack trace is in the log at level FINE. */
    static String sentence(Exception failure) {
        OURS.log(Level.FINE, "the failure in full", failure);
        String sentence = failure.getMessage();
        return "sluice: " + (sentence == null ? failure.toString() : sentence);
    }
}
