package sluice.dmacore.trace;

/**
 * Events of one queue of a device: what its requests waited for, and their answers. A request costs two events, and nothing while
 * tracing is off but the question whether it is.
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

    private final TraceSink sink;
    private final int number;
    /** When the device was told, or found, that there are requests, as long as it has not taken all; else 0. */
    private long noticed;

    /** @param number of the queue; the sink has its name */
    public QueueTrace(TraceSink sink, int number) {
        this.sink = sink;
        this.number = number;
    }

    /** The time, or 0 while tracing is off. */
    public long now() {
        return sink.isOn() ? System.nanoTime() : 0;
    }

    /** The driver has kicked, or the device looks at the queue for another reason. */
    public void noticed() {
        if (noticed == 0) noticed = now();
    }

    /** The queue was found empty. */
    public void empty() {
        noticed = 0;
    }

    /**
     * How long a request taken at {@code now} has waited since {@link #noticed}, in nanoseconds; 0 if it was found by polling.
     *
     * @param now result of {@link #now}
     */
    public long waited(long now) {
        return noticed == 0 || now == 0 ? 0 : now - noticed;
    }

    /**
     * A request is done.
     *
     * @param name number of its name, or 0
     * @param taken when it was taken; 0 if tracing was off, and then nothing is recorded
     * @param waited before that, in nanoseconds
     * @param available number of requests that were available then, itself included; 0 if unknown
     * @param request its number in its queue, from 1; 0 if unknown
     */
    public void done(int name, long taken, long waited, int available, long request) {
        if (taken == 0 || !sink.isOn()) return;
        sink.record(EventKind.COMMAND, 0, number, name, waited, available, request, System.nanoTime() - taken);
    }

    /**
     * Done requests were returned to the driver.
     *
     * @param requests their number
     * @param began when this began; 0 if tracing was off, and then nothing is recorded
     * @param raising when the interrupt was sent; 0 for none
     */
    public void answered(int requests, long began, long raising) {
        if (began == 0 || !sink.isOn()) return;
        long now = System.nanoTime();
        sink.record(EventKind.ANSWER, 0, number, raising == 0 ? 0 : 1, raising == 0 ? 0 : now - raising, requests, 0,
                now - began);
    }
}
