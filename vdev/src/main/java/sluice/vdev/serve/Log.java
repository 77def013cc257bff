package sluice.vdev.serve;

import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** A logger that writes without blocking, because most lines are logged on the devices' loops. */
final class Log extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;
    private static final String OURS = "sluice";
    private static volatile LogLevel shown = LogLevel.INFO;

    private final transient ErrorOutput out;
    private final boolean ours;

    /** @param name of a class; what is not Sluice's own writes warnings only */
    Log(String name, ErrorOutput out) {
        this.name = name;
        this.out = out;
        ours = name.equals(OURS) || name.startsWith(OURS + ".");
    }

    static void show(LogLevel level) {
        shown = level;
    }

    private boolean shows(LogLevel level) {
        LogLevel most = shown;
        if (!ours && most.compareTo(LogLevel.WARNING) > 0) most = LogLevel.WARNING;
        return level.compareTo(most) <= 0;
    }

    @Override
    public boolean isTraceEnabled() {
        return shows(LogLevel.FINEST);
    }

    @Override
    public boolean isDebugEnabled() {
        return shows(LogLevel.FINE);
    }

    @Override
    public boolean isInfoEnabled() {
        return shows(LogLevel.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return shows(LogLevel.WARNING);
    }

    @Override
    public boolean isErrorEnabled() {
        return shows(LogLevel.SEVERE);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    /** The level, the message, and the stack trace of an exception. */
    @Override
    protected void handleNormalizedLoggingCall(Level level, @Nullable Marker marker, @Nullable String message,
            Object @Nullable [] arguments, @Nullable Throwable thrown) {
        String text = String.valueOf(MessageFormatter.basicArrayFormat(message, arguments));
        out.write(LogLine.of(LogLevel.of(level), name, text, thrown));
    }
}
