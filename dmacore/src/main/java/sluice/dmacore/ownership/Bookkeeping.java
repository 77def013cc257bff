package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * Counts and records each cache operation that was requested: the part of it that was executed, and the part that was
 * skipped, in bytes, of all lines that a walk was over. Guarded by the lines' group.
 */
final class Bookkeeping {
    private static final int SKIPPED_WRITE_BACK = 0;
    private static final int SKIPPED_INVALIDATE = 1;

    private final TraceSink trace;

    Bookkeeping(TraceSink trace) {
        this.trace = trace;
    }

    /** @param holder null for an access of the CPU */
    void writeBack(Walk walk, @Nullable Holder holder, long requested, long executed, long nanos) {
        walk.lines().counters().writeBack(requested, executed, nanos);
        record(EventKind.WRITE_BACK, SKIPPED_WRITE_BACK, walk, holder, requested, executed, nanos);
    }

    /** @param holder null for an access of the CPU */
    void invalidate(Walk walk, @Nullable Holder holder, long requested, long executed, long nanos) {
        walk.lines().counters().invalidate(requested, executed, nanos);
        record(EventKind.INVALIDATE, SKIPPED_INVALIDATE, walk, holder, requested, executed, nanos);
    }

    private void record(EventKind kind, int skipped, Walk walk, @Nullable Holder holder, long requested,
            long executed, long nanos) {
        if (requested == 0 || !trace.isOn()) return;
        int by = holder == null ? 0 : holder.number();
        Lines lines = walk.lines();
        long from = lines.position(walk.firstOfAll());
        long length = lines.endPosition(walk.endOfAll() - 1) - from;
        if (executed > 0) trace.record(kind, lines.number(), by, 0, from, length, executed, nanos, walk.operated());
        if (requested > executed) {
            trace.record(EventKind.SKIP, lines.number(), by, skipped, from, length, requested - executed);
        }
    }
}
