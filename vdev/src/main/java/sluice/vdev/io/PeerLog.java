package sluice.vdev.io;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * A rate-limited log for lines that a peer can provoke at will: a few lines of each kind at once, then one per second.
 * The next line of a kind reports how many were dropped. A kind is a format string, so the number of kinds is that of
 * the calls. On any thread.
 */
public final class PeerLog {
    /** Lines of a kind that are logged without a pause. */
    static final int BURST = 32;
    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Logger log;
    private final LongSupplier clock;
    private final Map<String, Kind> kinds = new HashMap<>();

    /** Lines that may still be logged at {@code since}, and lines dropped since. */
    private static final class Kind {
        int left = BURST;
        long since;
        long leftOut;
    }

    public PeerLog(Logger log) {
        this(log, System::nanoTime);
    }

    PeerLog(Logger log, LongSupplier clock) {
        this.log = log;
        this.clock = clock;
    }

    /** As {@link Logger#info(String, Object...)}. */
    public void info(String format, @Nullable Object... arguments) {
        tell(Level.INFO, format, arguments);
    }

    /** As {@link Logger#warn(String, Object...)}. */
    public void warn(String format, @Nullable Object... arguments) {
        tell(Level.WARN, format, arguments);
    }

    /** As {@link Logger#error(String, Object...)}. */
    public void error(String format, @Nullable Object... arguments) {
        tell(Level.ERROR, format, arguments);
    }

    private void tell(Level level, String format, @Nullable Object... arguments) {
        if (!log.isEnabledForLevel(level)) return;
        long before = leftOutBefore(format);
        if (before < 0) return;
        String text = before == 0 ? format : format + " (" + before + " similar lines were left out)";
        switch (level) {
            case ERROR -> log.error(text, arguments);
            case WARN -> log.warn(text, arguments);
            default -> log.info(text, arguments);
        }
    }

    /** Lines of this kind dropped since the last logged one; -1 if this one is dropped as well. */
    private synchronized long leftOutBefore(String format) {
        long now = clock.getAsLong();
        Kind kind = kinds.computeIfAbsent(format, _ -> {
            Kind fresh = new Kind();
            fresh.since = now;
            return fresh;
        });
        long periods = (now - kind.since) / PERIOD_NANOS;
        if (periods > 0) {
            kind.left = (int) Math.min(BURST, kind.left + periods);
            kind.since += periods * PERIOD_NANOS;
        }
        if (kind.left == 0) {
            kind.leftOut++;
            return -1;
        }
        kind.left--;
        long leftOut = kind.leftOut;
        kind.leftOut = 0;
        return leftOut;
    }
}
