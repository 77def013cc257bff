package sluice.vdev.serve;

import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;

/** Writes the log to standard error without blocking, because most lines are logged on the devices' loops. */
public final class LogHandler extends Handler {
    private final Formatter formatter = new SimpleFormatter();
    private final ErrorOutput out;

    public LogHandler(ErrorOutput out) {
        this.out = out;
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
