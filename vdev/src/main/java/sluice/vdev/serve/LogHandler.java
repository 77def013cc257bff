package sluice.vdev.serve;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;

/** Writes the log to standard error without blocking, because most lines are logged on the devices' loops. */
public final class LogHandler extends Handler {
    private final Formatter formatter = new Lines();
    private final ErrorOutput out;

    public LogHandler(ErrorOutput out) {
        this.out = out;
    }

    /**
     * The level, the message, and the stack trace of an exception. The JDK's formatter would load time zones and locales at each
     * start, although no line has a time.
     */
    private static final class Lines extends Formatter {
        @Override
        public String format(LogRecord line) {
            StringWriter text = new StringWriter();
            text.append(line.getLevel().getName()).append(": ").append(formatMessage(line))
                    .append(System.lineSeparator());
            Throwable thrown = line.getThrown();
            if (thrown != null) thrown.printStackTrace(new PrintWriter(text, true));
            return text.toString();
        }
    }

    @Override
    public void publish(LogRecord line) {
        if (isLoggable(line)) out.write(formatter.format(line));
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
