package sluice.dmacore.trace.chronicle;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

import net.openhft.chronicle.bytes.PointerBytesStore;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Layout;

/**
 * The records of a mapped recording, for any number of writers.
 *
 * <p>The stores are unchecked: all offsets are computed here from masked numbers. {@code mapping} keeps the file
 * mapped; each method keeps it reachable to its end.
 */
final class Ring {
    private final MemorySegment mapping;
    private final PointerBytesStore store;
    private final long mask;
    private final long records;

    Ring(MemorySegment mapping, PointerBytesStore store, RecorderOptions options) {
        this.mapping = mapping;
        this.store = store;
        mask = options.capacity() - 1L;
        records = Layout.recordsOffset(options.namesBytes());
    }

    /** Writes an event in a bounded number of steps, or counts it as lost. */
    void write(int kind, int buffer, int attachment, int detail, long from, long length, long bytes, long nanos,
            long ended) {
        try {
            long sequence = store.addAndGetLong(Layout.CLAIMED_AT, 1);
            long at = records + (sequence - 1 & mask) * Layout.RECORD_BYTES;
            if (!take(at, sequence)) {
                store.addAndGetLong(Layout.LOST_AT, 1);
                return;
            }
            store.writeLong(at + Layout.TIME_AT, ended == TraceSink.NOW ? System.nanoTime() : ended);
            store.writeLong(at + Layout.FROM_AT, from);
            store.writeLong(at + Layout.LENGTH_AT, length);
            store.writeLong(at + Layout.BYTES_AT, bytes);
            store.writeLong(at + Layout.NANOS_AT, nanos);
            store.writeInt(at + Layout.BUFFER_AT, buffer);
            store.writeInt(at + Layout.ATTACHMENT_AT, attachment);
            store.writeInt(at + Layout.DETAIL_AT, detail);
            store.writeInt(at + Layout.KIND_AT, kind);
            store.writeOrderedLong(at + Layout.STATE_AT, sequence);
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }

    /** A negative state is a writer that is a whole round late; a newer state means that this writer is. */
    private boolean take(long at, long sequence) {
        long state = store.readVolatileLong(at + Layout.STATE_AT);
        return state >= 0 && state < sequence && store.compareAndSwapLong(at + Layout.STATE_AT, state, -sequence);
    }

    void addLost(long events) {
        try {
            store.addAndGetLong(Layout.LOST_AT, events);
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }

    long lost() {
        try {
            return store.readVolatileLong(Layout.LOST_AT);
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }

    /** Marks a normal end. */
    void markClosed() {
        try {
            store.writeOrderedLong(Layout.CLOSED_AT, 1);
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }
}
