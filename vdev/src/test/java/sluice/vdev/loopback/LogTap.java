package sluice.vdev.loopback;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * What Sluice and Netty say while it is open, instead of on standard error. Whatever carries a stack trace is an internal
 * error, and nothing a peer does may cause one.
 */
public final class LogTap implements AutoCloseable {
    private static final List<String> TAPPED = List.of("sluice", "io.netty");
    private static final AtomicInteger OPEN = new AtomicInteger();

    private final List<Logger> loggers = TAPPED.stream().map(Logger::getLogger).toList();
    private final List<LogRecord> records = new CopyOnWriteArrayList<>();
    private final Handler handler = new Collector();

    private final class Collector extends Handler {
        @Override
        public void publish(LogRecord entry) {
            if (entry.getLevel().intValue() >= Level.INFO.intValue()) {
                records.add(entry);
            }
        }

        @Override
        public void flush() {
            // Nothing is kept back.
        }

        @Override
        public void close() {
            // The records stay readable.
        }
    }

    public LogTap() {
        OPEN.incrementAndGet();
        for (Logger logger : loggers) {
            logger.addHandler(handler);
            logger.setUseParentHandlers(false);
        }
    }

    /** Warnings and errors so far, as they read. */
    public List<String> complaints() {
        return records.stream().filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .map(LogTap::text).toList();
    }

    /** The exceptions that came with it so far. */
    public List<Throwable> thrown() {
        return records.stream().map(LogRecord::getThrown).filter(Objects::nonNull).toList();
    }

    /** Lines logged so far that contain {@code part}, of any level. */
    public List<String> told(String part) {
        return records.stream().map(LogTap::text).filter(line -> line.contains(part)).toList();
    }

    /** Complaints that contain {@code part}. */
    public long count(String part) {
        return complaints().stream().filter(line -> line.contains(part)).count();
    }

    /** Fails the test if anything was logged with a stack trace, or anything serious by Netty. */
    public void requireNoInternalError() {
        for (LogRecord entry : records) {
            boolean ofNetty = entry.getLoggerName().startsWith("io.netty")
                    && entry.getLevel().intValue() >= Level.WARNING.intValue();
            if (entry.getThrown() != null || ofNetty) {
                throw new AssertionError("logged: " + text(entry), entry.getThrown());
            }
        }
    }

    private static String text(LogRecord entry) {
        return String.valueOf(entry.getMessage());
    }

    @Override
    public void close() {
        boolean last = OPEN.decrementAndGet() == 0;
        for (Logger logger : loggers) {
            logger.removeHandler(handler);
            if (last) {
                logger.setUseParentHandlers(true);
            }
        }
    }
}
