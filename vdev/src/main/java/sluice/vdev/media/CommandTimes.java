package sluice.vdev.media;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

import org.HdrHistogram.AbstractHistogram;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;

import sluice.vdev.device.Report;

/** How long commands take, from being taken to being answered. Written on the device's loop, read on any thread. */
final class CommandTimes {
    private static final long LONGEST_NANOS = 60_000_000_000L;
    private static final int DIGITS = 2;

    /** Kinds of commands, of which a client sees the times. */
    enum Kind {
        OPEN,
        CLOSE,
        IOCTL,
        MMAP,
        MUNMAP
    }

    private final Map<Kind, Histogram> times = new EnumMap<>(Kind.class);

    CommandTimes() {
        for (Kind kind : Kind.values()) times.put(kind, new AtomicHistogram(LONGEST_NANOS, DIGITS));
    }

    void register(Report report) {
        Map<String, AbstractHistogram> named = new LinkedHashMap<>();
        times.forEach((kind, histogram) -> named.put(kind.name(), histogram));
        report.distributions("latencyMicros", "From taking a command to answering it.", named);
    }

    /** A command was answered that was taken {@code nanos} ago. */
    void answered(Command command, long nanos) {
        Histogram histogram = times.get(switch (command) {
            case Command.Open open -> Kind.OPEN;
            case Command.Close close -> Kind.CLOSE;
            case Command.Control control -> Kind.IOCTL;
            case Command.Mmap mmap -> Kind.MMAP;
            case Command.Munmap munmap -> Kind.MUNMAP;
        });
        if (histogram != null) histogram.recordValue(Math.clamp(nanos, 1, LONGEST_NANOS));
    }
}
