package sluice.dmacore.trace;

import org.jspecify.annotations.Nullable;

/**
 * Events of one queue of a device: what its requests waited for, and their answers. A request costs an event or two, and nothing while
 * tracing is off but the question whether it is.
 *
 * <p>A device that does a request in a microsecond would spend as much on events. So there is a budget: {@value #DETAILED_PER_MILLI}
 * requests each millisecond, and {@value #MOST_SAVED} in a row after a pause, are traced one by one with all that happens during them.
 * Those beyond it are told in batches, one event for all that are done in a row, without a look at the clock in between; their thread is
 * {@linkplain QuietSink quiet} meanwhile.
 *
 * <p>Used by the device's thread only.
 */
public final class QueueTrace {
    /** Discards all events. */
    public static final QueueTrace NONE = new QueueTrace(TraceSink.NONE, 0);

    /** Makes the traces of queues. */
    @FunctionalInterface
    public interface Maker {
        /** Makes traces that discard all events. */
        Maker NONE = _ -> QueueTrace.NONE;

        /** The trace of the queue with this name. */
        QueueTrace make(String name);
    }

    private static final long DETAILED_PER_MILLI = 4;
    private static final long MOST_SAVED = 64;
    private static final long NANOS_EACH = 1_000_000 / DETAILED_PER_MILLI;

    private final TraceSink sink;
    private final @Nullable QuietSink quiet;
    private final int number;
    /** Up to when the budget is used, at least {@link #MOST_SAVED} requests ago. */
    private long paidUntil;
    /** When the first request of a batch was taken, and how long it had waited; 0 while there is none. */
    private long batchTaken;
    private long batchWaited;
    private int batchDone;
    /** Number of the name that all requests of the batch have, or 0. */
    private int batchName;
    /** When the device was told, or found, that there are requests, as long as it has not taken all; else 0. */
    private long noticed;
    /** Whether no request was taken since then. */
    private boolean isFresh;

    /** @param number of the queue; the sink has its name */
    public QueueTrace(TraceSink sink, int number) {
        this.sink = sink;
        this.number = number;
        quiet = sink instanceof QuietSink one ? one : null;
    }

    private boolean isTracing() {
        QuietSink one = quiet;
        return one == null ? sink.isOn() : one.isTracing();
    }

    /** The time at which a request is taken; 0 while tracing is off. Of a request in a batch, that of the first. */
    public long take() {
        if (!isTracing()) {
            endBatch();
            return 0;
        }
        if (batchTaken != 0) return batchTaken;
        boolean fresh = isFresh && noticed != 0;
        isFresh = false;
        QuietSink one = quiet;
        // The kick was a moment ago: for a request beyond the budget, the clock is not read again.
        if (one != null && fresh && noticed - paidUntil < NANOS_EACH) return beginBatch(one, noticed);
        long now = System.nanoTime();
        if (one == null) return now;
        if (now - paidUntil > MOST_SAVED * NANOS_EACH) paidUntil = now - MOST_SAVED * NANOS_EACH;
        if (now - paidUntil < NANOS_EACH) return beginBatch(one, now);
        paidUntil += NANOS_EACH;
        return now;
    }

    private long beginBatch(QuietSink sinkOfBatch, long now) {
        batchTaken = now;
        batchWaited = waited(now);
        sinkOfBatch.begin();
        return now;
    }

    /** Ends the batch, and returns the time, or 0 if there is none. */
    private long endBatch() {
        if (batchTaken == 0) return 0;
        long now = System.nanoTime();
        QuietSink one = quiet;
        if (one != null) one.end();
        if (batchDone > 0)
            sink.record(EventKind.BATCH, 0, number, batchName, batchWaited, batchDone, 0, now - batchTaken, now);
        batchTaken = 0;
        batchDone = 0;
        batchName = 0;
        return now;
    }

    /** The time, for {@link #answered}; 0 while tracing is off. A batch ends here. */
    public long now() {
        long ended = endBatch();
        if (ended != 0) return ended;
        return isTracing() ? System.nanoTime() : 0;
    }

    /** The driver has kicked, or the device looks at the queue for another reason. */
    public void noticed() {
        endBatch();
        if (noticed != 0 || !isTracing()) return;
        noticed = System.nanoTime();
        isFresh = true;
    }

    /** The queue was found empty, or the device has no use for what is left in it: no request waits. */
    public void empty() {
        endBatch();
        noticed = 0;
    }

    /**
     * How long a request taken at {@code now} has waited since {@link #noticed}, in nanoseconds; 0 if it was found by polling.
     *
     * @param now result of {@link #take}
     */
    public long waited(long now) {
        return noticed == 0 || now == 0 ? 0 : now - noticed;
    }

    /**
     * A request is done.
     *
     * @param name number of its name, or 0
     * @param taken result of {@link #take}; 0 if tracing was off, and then nothing is recorded
     * @param waited before that, in nanoseconds
     * @param available number of requests that were available then, itself included; 0 if unknown
     * @param request its number in its queue, from 1; 0 if unknown
     */
    public void done(int name, long taken, long waited, int available, long request) {
        if (taken == 0 || !isTracing()) return;
        if (taken == batchTaken) {
            batchName = batchDone == 0 || batchName == name ? name : 0;
            batchDone++;
            return;
        }
        long now = System.nanoTime();
        sink.record(EventKind.COMMAND, 0, number, name, waited, available, request, now - taken, now);
    }

    /**
     * Done requests were returned to the driver.
     *
     * @param requests their number
     * @param began when this began; 0 if tracing was off, and then nothing is recorded
     * @param raising when the interrupt was sent; 0 for none
     */
    public void answered(int requests, long began, long raising) {
        if (began == 0 || !isTracing()) return;
        long now = System.nanoTime();
        sink.record(EventKind.ANSWER, 0, number, raising == 0 ? 0 : 1, raising == 0 ? 0 : now - raising, requests, 0,
                now - began, now);
    }
}
