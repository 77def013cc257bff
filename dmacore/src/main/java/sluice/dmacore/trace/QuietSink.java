package sluice.dmacore.trace;

/**
 * Passes events on, and lets a thread be quiet: it is told that tracing is off, so that it measures nothing, while others go on. What it
 * records all the same, because it is rare or must not be missing, is passed on.
 *
 * <p>Asking costs two loads. Of two threads that share a slot, the later is quiet and the earlier is not: it measures too much, and
 * nothing is wrong.
 */
public final class QuietSink implements TraceSink {
    private static final int SLOTS = 64;

    private final TraceSink target;
    /** Identifiers of threads. A thread looks only for its own, which only it writes: no order between threads matters. */
    private final long[] quiet = new long[SLOTS];

    private QuietSink(TraceSink target) {
        this.target = target;
    }

    /** A sink around another; one that discards all events needs none. */
    public static TraceSink around(TraceSink target) {
        return NONE.equals(target) || target instanceof QuietSink ? target : new QuietSink(target);
    }

    private static int slot(long thread) {
        return (int) thread & (SLOTS - 1);
    }

    /** The current thread is quiet until {@link #end}. */
    void begin() {
        long thread = Thread.currentThread().threadId();
        quiet[slot(thread)] = thread;
    }

    void end() {
        long thread = Thread.currentThread().threadId();
        if (quiet[slot(thread)] == thread) quiet[slot(thread)] = 0;
    }

    /** Whether tracing is on, for a thread that is quiet, too. */
    boolean isTracing() {
        return target.isOn();
    }

    @Override
    public boolean isOn() {
        long thread = Thread.currentThread().threadId();
        return quiet[slot(thread)] != thread && target.isOn();
    }

    @Override
    public void name(int number, String name) {
        target.name(number, name);
    }

    @Override
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        target.record(kind, buffer, attachment, detail, from, length, bytes, nanos, ended);
    }
}
