package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * Counts and records each cache operation that was requested: the part of it that was executed, and the part that was
 * skipped. Ranges are lines {@code first} to {@code end} − 1, amounts are bytes. Guarded by the lines' group.
 */
final class Bookkeeping {
    private static final int SKIPPED_WRITE_BACK = 0;
    private static final int SKIPPED_INVALIDATE = 1;

    private final TraceSink trace;

    Bookkeeping(TraceSink trace) {
        this.trace = trace;
    }

    /** @param holder null for an access of the CPU */
    void writeBack(Lines lines, @Nullable Holder holder, int first, int end, long requested, long executed,
            long nanos) {
        lines.counters().writeBack(requested, executed, nanos);
        record(EventKind.WRITE_BACK, SKIPPED_WRITE_BACK, lines, holder, first, end, requested, executed, nanos);
    }

    /** @param holder null for an access of the CPU */
    void invalidate(Lines lines, @Nullable Holder holder, int first, int end, long requested, long executed,
            long nanos) {
        lines.counters().invalidate(requested, executed, nanos);
        record(EventKind.INVALIDATE, SKIPPED_INVALIDATE, lines, holder, first, end, requested, executed, nanos);
    }

    private void record(EventKind kind, int skipped, Lines lines, @Nullable Holder holder, int first, int end,
            long requested, long executed, long nanos) {
        if (requested == 0 || !trace.isOn()) return;
        int by = holder == null ? 0 : holder.number();
        long from = lines.position(first);
        long length = lines.endPosition(end - 1) - from;
        if (executed > 0) trace.record(kind, lines.number(), by, 0, from, length, executed, nanos);
        if (requested > executed) {
            trace.record(EventKind.SKIP, lines.number(), by, skipped, from, length, requested - executed, 0);
        }
    }
}
