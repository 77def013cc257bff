package sluice.vdev.gpu;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

import org.HdrHistogram.AbstractHistogram;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;

import sluice.vdev.device.Counter;
import sluice.vdev.device.Report;

/** Statistics of a GPU since its creation. Written on the device's loop, read on any thread. */
public final class GpuStatistics {
    private static final long LONGEST_NANOS = 60_000_000_000L;
    /** Of a latency: 1 %. A digit more would take 200 KB for each type of command. */
    private static final int DIGITS = 2;

    private final Map<CommandType, Histogram> latencies = new EnumMap<>(CommandType.class);
    private final Counter unknownCommands = new Counter();
    private final Counter refusedCommands = new Counter();
    private final Counter outOfMemory = new Counter();
    private final Counter frames = new Counter();
    private final Counter transferBytes = new Counter();
    private final Counter updateBytes = new Counter();
    private final Counter cursorBytes = new Counter();
    private final Counter observerBytes = new Counter();
    private final Counter redundantTransfers = new Counter();
    private final Counter movedBytes = new Counter();

    private volatile boolean used;

    GpuStatistics() {
        for (CommandType type : CommandType.values()) latencies.put(type, new AtomicHistogram(LONGEST_NANOS, DIGITS));
    }

    /** Registers all of it. */
    void register(Report report) {
        Map<String, LongSupplier> counts = new LinkedHashMap<>();
        Map<String, AbstractHistogram> times = new LinkedHashMap<>();
        for (CommandType type : CommandType.values()) {
            counts.put(type.name(), () -> count(type));
            times.put(type.name(), latency(type));
        }
        report.counter("frames", "frames", "Flushes that changed the picture of a scan-out.", frames);
        report.counters("commands", "commands", "Commands answered.", counts);
        report.counter("unknownCommands", "commands", "Commands of an unknown type, or too short to have one.",
                unknownCommands);
        report.counter("refusedCommands", "commands", "Known commands that were answered with an error.",
                refusedCommands);
        report.counter("hostOutOfMemory", "commands", "Commands for which the host had no memory.", outOfMemory);
        report.counter("copiedBytes.transfer", "bytes", "Bytes copied from guest pages into images.", transferBytes);
        report.counter("copiedBytes.update", "bytes", "Bytes of images sent to displays.", updateBytes);
        report.counter("copiedBytes.cursor", "bytes", "Of cursor images, handed to displays.", cursorBytes);
        report.counter("observerBytes", "bytes",
                "Bytes of blobs read by displays, cursors and snapshots.",
                observerBytes);
        report.counter("movedBytes", "bytes", "Bytes of host blobs copied because the guest mapped one elsewhere.",
                movedBytes);
        report.counter("redundantTransfers", "commands", "TRANSFER commands for blobs, which have no copy to fill.",
                redundantTransfers);
        report.distributions("latencyMicros", "From taking a command to answering it.", times);
    }

    void command(CommandType type, boolean refused, long nanos) {
        if (refused) refusedCommands.increment();
        latency(type).recordValue(Math.clamp(nanos, 1, LONGEST_NANOS));
    }

    /** A command has come. */
    void begin() {
        if (!used) used = true;
    }

    /** Whether a guest has sent a command. */
    public boolean isUsed() {
        return used;
    }

    void unknownCommand() {
        unknownCommands.increment();
    }

    /** Host memory was exhausted within the guest's limit. */
    void outOfMemory() {
        outOfMemory.increment();
    }

    /** Commands that failed because host memory was exhausted, within the guest's limit. */
    public long hostOutOfMemory() {
        return outOfMemory.getAsLong();
    }

    void frame() {
        frames.increment();
    }

    void transferred(long bytes) {
        transferBytes.add(bytes);
    }

    void updated(long bytes) {
        updateBytes.add(bytes);
    }

    void observed(long bytes) {
        observerBytes.add(bytes);
    }

    /** Bytes of blobs read by displays, cursors and snapshots. */
    public long observerBytes() {
        return observerBytes.getAsLong();
    }

    void moved(long bytes) {
        movedBytes.add(bytes);
    }

    /** Bytes of host blobs copied to another place of the window. */
    public long movedBytes() {
        return movedBytes.getAsLong();
    }

    void redundantTransfer() {
        redundantTransfers.increment();
    }

    /** TRANSFER commands for blobs. */
    public long redundantTransfers() {
        return redundantTransfers.getAsLong();
    }

    void cursor(long bytes) {
        cursorBytes.add(bytes);
    }

    /** Number of answered commands of a type. */
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
        return unknownCommands.getAsLong();
    }

    /** Known commands that were answered with an error. */
    public long refusedCommands() {
        return refusedCommands.getAsLong();
    }

    /** Flushes that changed the picture of a scan-out. */
    public long frames() {
        return frames.getAsLong();
    }

    /** Bytes copied from guest pages into images. */
    public long transferBytes() {
        return transferBytes.getAsLong();
    }

    /** Bytes of images handed to displays. */
    public long updateBytes() {
        return updateBytes.getAsLong();
    }

    /** Bytes of cursor images handed to displays. */
    public long cursorBytes() {
        return cursorBytes.getAsLong();
    }
}
