package sluice.vdev.serve;

import java.util.Locale;

import org.slf4j.event.Level;

/** What of the log is written: each level has those before it, too. The names are those of java.util.logging. */
public enum LogLevel {
    OFF,
    SEVERE,
    WARNING,
    INFO,
    FINE,
    FINER,
    FINEST;

    /**
     * The level that a user has named.
     *
     * @throws IllegalArgumentException there is none with this name
     */
    public static LogLevel parse(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }

    static LogLevel of(Level level) {
        return switch (level) {
            case ERROR -> SEVERE;
            case WARN -> WARNING;
            case INFO -> INFO;
            case DEBUG -> FINE;
            case TRACE -> FINEST;
        };
    }
}
