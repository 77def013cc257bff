package sluice.vdev.serve;

import java.io.PrintWriter;
import java.io.StringWriter;

import org.jspecify.annotations.Nullable;

/**
 * A text for the log, of one line or, with a stack trace, of several.
 *
 * @param level null for what is not of a logger: a report, or the sentence of a failure
 * @param source name of the logger, or empty
 * @param message without line end
 */
record LogLine(@Nullable LogLevel level, String source, String message) {
    // Of syslog(3), which the journal has taken over.
    private static final int ERR = 3;
    private static final int WARNING = 4;
    private static final int NOTICE = 5;
    private static final int INFO = 6;
    private static final int DEBUG = 7;

    /** @param message with its parameters; the stack trace of an exception is added */
    static LogLine of(LogLevel level, String source, String message, @Nullable Throwable thrown) {
        String text = message;
        if (thrown != null) {
            StringWriter trace = new StringWriter();
            thrown.printStackTrace(new PrintWriter(trace, true));
            text += System.lineSeparator() + trace.toString().stripTrailing();
        }
        return new LogLine(level, source, text);
    }

    /** As it is on standard error and in a file: with the level, and with a line end. */
    String text() {
        String end = message + System.lineSeparator();
        return level == null ? end : level.name() + ": " + end;
    }

    /** Its priority in syslog(3), 0 to 7. */
    int priority() {
        if (level == null) return NOTICE;
        return switch (level) {
            case OFF, SEVERE -> ERR;
            case WARNING -> LogLine.WARNING;
            case INFO -> LogLine.INFO;
            case FINE, FINER, FINEST -> DEBUG;
        };
    }
}
