package sluice.vdev.loopback;

import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

import org.jspecify.annotations.Nullable;

/**
 * Listens to the log for millions of runs: keeps the first record with a stack trace, which nothing a peer does may cause,
 * and drops all else. {@link LogTap} keeps everything.
 */
public final class InternalErrors implements AutoCloseable {
    private final List<Logger> loggers = List.of(Logger.getLogger("sluice"), Logger.getLogger("io.netty"));
    private final Handler handler = new Filter();
    private volatile @Nullable LogRecord first;

    private final class Filter extends Handler {
        @Override
        public void publish(LogRecord entry) {
            if (entry.getThrown() != null && entry.getLevel().intValue() >= Level.INFO.intValue() && first == null) {
                first = entry;
            }
        }

        @Override
        public void flush() {
            // Nothing is kept back.
        }

        @Override
        public void close() {
            // What was found stays readable.
        }
    }

    public InternalErrors() {
        for (Logger logger : loggers) {
            logger.addHandler(handler);
            logger.setUseParentHandlers(false);
        }
    }

    /** Fails if there was one. */
    public void requireNone() {
        LogRecord entry = first;
        if (entry != null) throw new AssertionError("logged: " + entry.getMessage(), entry.getThrown());
    }

    @Override
    public void close() {
        for (Logger logger : loggers) {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
    }
}
