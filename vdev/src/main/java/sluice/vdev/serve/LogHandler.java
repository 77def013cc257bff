package sluice.vdev.serve;

import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;

/** Writes the log to standard error without blocking, because most lines are logged on the devices' loops. */
public final class LogHandler extends Handler {
    private final Formatter formatter = new Messages();
    private final ErrorOutput out;

    public LogHandler(ErrorOutput out) {
        this.out = out;
    }

    /** The message with its parameters. The JDK's own formatter would load time zones and locales at each start. */
    private static final class Messages extends Formatter {
        @Override
        public String format(LogRecord line) {
            return formatMessage(line);
        }
    }

    @Override
    public void publish(LogRecord line) {
        if (isLoggable(line)) out.write(LogLine.of(line, formatter.format(line)));
    }

    @Override
    public void flush() {
        // The thread that writes flushes each line.
    }

    @Override
    public void close() {
        // The output is the process's.
    }
}
