package sluice.vdev.profile;

import java.util.EnumMap;
import java.util.Map;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** Counts, bytes and nanoseconds of events by kind, of a frame, a device or a recording. */
public final class Tally {
    private static final int SKIPPED_INVALIDATE = 1;
    /** Values of the kernel's enum dma_data_direction. */
    private static final int TO_DEVICE = 1;
    private static final int FROM_DEVICE = 2;

    /** Three numbers for each kind. */
    private final Map<EventKind, long[]> byKind = new EnumMap<>(EventKind.class);
    private long skippedInvalidates;
    private long skippedInvalidateBytes;
    private long givenBytes;
    private long takenBytes;

    void add(Event event) {
        long[] sum = byKind.computeIfAbsent(event.kind(), _ -> new long[3]);
        sum[0]++;
        // A request has its number there, and a call a time.
        if (event.kind() != EventKind.COMMAND && event.kind() != EventKind.CALL) sum[1] += event.bytes();
        sum[2] += event.nanos();
        if (event.kind() == EventKind.SKIP && event.detail() == SKIPPED_INVALIDATE) {
            skippedInvalidates++;
            skippedInvalidateBytes += event.bytes();
        }
        switch (event.kind()) {
            case MAP, SYNC_FOR_DEVICE -> {
                if (event.detail() != FROM_DEVICE) givenBytes += event.length();
            }
            case UNMAP, SYNC_FOR_CPU -> {
                if (event.detail() != TO_DEVICE) takenBytes += event.length();
            }
            default -> {
                // no transfer
            }
        }
    }

    void add(Tally other) {
        other.byKind.forEach((kind, sum) -> {
            long[] own = byKind.computeIfAbsent(kind, _ -> new long[3]);
            for (int i = 0; i < own.length; i++) own[i] += sum[i];
        });
        skippedInvalidates += other.skippedInvalidates;
        skippedInvalidateBytes += other.skippedInvalidateBytes;
        givenBytes += other.givenBytes;
        takenBytes += other.takenBytes;
    }

    private long sum(int index, EventKind... kinds) {
        long sum = 0;
        for (EventKind kind : kinds) {
            long[] one = byKind.get(kind);
            if (one != null) sum += one[index];
        }
        return sum;
    }

    /** Number of events. */
    public long count(EventKind... kinds) {
        return sum(0, kinds);
    }

    /** Bytes moved, written back, invalidated or skipped. */
    public long bytes(EventKind... kinds) {
        return sum(1, kinds);
    }

    /** Their durations. */
    public long nanos(EventKind... kinds) {
        return sum(2, kinds);
    }

    /** Bytes that were transferred to the device for reading: what would be written back if it did not snoop. */
    public long givenBytes() {
        return givenBytes;
    }

    /** Bytes that were transferred from the device after it could write: what would be invalidated if it did not snoop. */
    public long takenBytes() {
        return takenBytes;
    }

    /** Bytes of write-backs that were requested and skipped. */
    public long skippedWriteBackBytes() {
        return bytes(EventKind.SKIP) - skippedInvalidateBytes;
    }

    /** Bytes of invalidates that were requested and skipped. */
    public long skippedInvalidateBytes() {
        return skippedInvalidateBytes;
    }

    /** Number of write-backs that were requested and wholly or partly skipped. */
    public long skippedWriteBacks() {
        return count(EventKind.SKIP) - skippedInvalidates;
    }

    /** Number of invalidates that were requested and wholly or partly skipped. */
    public long skippedInvalidates() {
        return skippedInvalidates;
    }
}
