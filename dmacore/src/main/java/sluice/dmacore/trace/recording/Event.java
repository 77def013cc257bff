package sluice.dmacore.trace.recording;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * One event of a recording; the fields are those of {@link TraceSink#record}.
 *
 * @param sequence 1 for the first event of a recording
 * @param nanoTime of the recorder's clock at the end of the operation, which began {@code nanos} before; of an event without duration, when it was recorded. Events of
 * one thread are in order, apart from a finding in a cache operation
 * @param thread the lower 16 bits of the id of the thread that recorded it
 */
public record Event(long sequence, long nanoTime, EventKind kind, int buffer, int attachment, int detail, long from,
        long length, long bytes, long nanos, int thread) {

    /** The attachment's number if the event has one, else the buffer's, else 0. */
    public int subject() {
        return attachment != 0 ? attachment : buffer;
    }
}
