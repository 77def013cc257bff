package sluice.vdev.gpu;

import java.util.EnumMap;
import java.util.Map;

import org.HdrHistogram.Histogram;

/** What a GPU has done since it was made. Kept on the device's loop. */
public final class GpuStatistics {
    private static final long LONGEST_NANOS = 60_000_000_000L;

    private final Map<CommandType, Histogram> latencies = new EnumMap<>(CommandType.class);
    private long unknownCommands;
    private long refusedCommands;
    private long outOfMemory;
    private long frames;
    private long transferBytes;
    private long updateBytes;
    private long cursorBytes;

    GpuStatistics() {
        for (CommandType type : CommandType.values()) latencies.put(type, new Histogram(LONGEST_NANOS, 3));
    }

    void command(CommandType type, boolean refused, long nanos) {
        if (refused) refusedCommands++;
        latency(type).recordValue(Math.clamp(nanos, 1, LONGEST_NANOS));
    }

    void unknownCommand() {
        unknownCommands++;
    }

    /** The host had less memory left than the guest may have. */
    void outOfMemory() {
        outOfMemory++;
    }

    /** Commands for which the host had no memory, though the guest may have so much. */
    public long hostOutOfMemory() {
        return outOfMemory;
    }

    void frame() {
        frames++;
    }

    void transferred(long bytes) {
        transferBytes += bytes;
    }

    void updated(long bytes) {
        updateBytes += bytes;
    }

    void cursor(long bytes) {
        cursorBytes += bytes;
    }

    /** How often the command was answered. */
    public long count(CommandType type) {
        return latency(type).getTotalCount();
    }

    /** From taking the command to answering it, in nanoseconds. */
    public Histogram latency(CommandType type) {
        Histogram histogram = latencies.get(type);
        if (histogram == null) throw new IllegalArgumentException(type.name());
        return histogram;
    }

    /** Commands of a type we do not know, or too short to have one. */
    public long unknownCommands() {
        return unknownCommands;
    }

    /** Known commands that were answered with an error. */
    public long refusedCommands() {
        return refusedCommands;
    }

    /** Flushes that changed what a scan-out shows. */
    public long frames() {
        return frames;
    }

    /** Bytes copied from guest pages into images. */
    public long transferBytes() {
        return transferBytes;
    }

    /** Bytes of images handed to displays. */
    public long updateBytes() {
        return updateBytes;
    }

    /** Bytes of cursor images handed to displays. */
    public long cursorBytes() {
        return cursorBytes;
    }
}
