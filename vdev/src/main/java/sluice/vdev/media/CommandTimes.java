package sluice.vdev.media;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

import org.HdrHistogram.AbstractHistogram;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;

import sluice.vdev.device.Report;

/** How long commands take, from being taken to the interrupt for their answer. Written on the device's loop, read on any thread. */
final class CommandTimes {
    private static final long LONGEST_NANOS = 60_000_000_000L;
    private static final int DIGITS = 2;
    private static final int AT_ONCE = 64;

    /** Kinds of commands, of which a client sees the times. */
    enum Kind {
        OPEN,
        CLOSE,
        IOCTL,
        MMAP,
        MUNMAP
    }

    private final Map<Kind, Histogram> times = new EnumMap<>(Kind.class);
    /** What was carried out since the last publication. */
    private final Kind[] kinds = new Kind[AT_ONCE];
    private final long[] takenAt = new long[AT_ONCE];
    private int count;

    CommandTimes() {
        for (Kind kind : Kind.values()) times.put(kind, new AtomicHistogram(LONGEST_NANOS, DIGITS));
    }

    void register(Report report) {
        Map<String, AbstractHistogram> named = new LinkedHashMap<>();
        times.forEach((kind, histogram) -> named.put(kind.name(), histogram));
        report.distributions("latencyMicros", "From taking a command to answering it.", named);
    }

    /** A command was carried out that was taken at this time of {@link System#nanoTime}; its driver gets the answer with the next {@link #published}. */
    void carriedOut(Command command, long taken) {
        if (count == AT_ONCE) published();
        kinds[count] = switch (command) {
            case Command.Open open -> Kind.OPEN;
            case Command.Close close -> Kind.CLOSE;
            case Command.Control control -> Kind.IOCTL;
            case Command.Mmap mmap -> Kind.MMAP;
            case Command.Munmap munmap -> Kind.MUNMAP;
        };
        takenAt[count++] = taken;
    }

    /** The driver has the answers to all commands that were carried out. */
    void published() {
        if (count == 0) return;
        long now = System.nanoTime();
        for (int i = 0; i < count; i++) {
            Histogram histogram = times.get(kinds[i]);
            if (histogram != null) histogram.recordValue(Math.clamp(now - takenAt[i], 1, LONGEST_NANOS));
        }
        count = 0;
    }
}
