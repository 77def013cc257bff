package sluice.dmacore.trace;

/** Receives events, concurrently from any thread; recording one must not block, fail or allocate. */
public interface TraceSink {
    /** As the time of an event's end: when it is recorded. */
    long NOW = 0;

    /** Discards all events. */
    TraceSink NONE = new TraceSink() {
        @Override
        public boolean isOn() {
            return false;
        }

        @Override
        public void name(int number, String name) {
            // discarded
        }

        @Override
        public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
                long nanos, long ended) {
            // discarded
        }
    };

    /** Whether tracing is on; callers skip costly measurements otherwise. */
    boolean isOn();

    /**
     * Names a number. May allocate and block.
     *
     * @param number of a buffer, an attachment or a device, more than 0; unique among all of them
     */
    void name(int number, String name);

    /**
     * Records an event. Its begin is told as exactly as its end, however long the thread is kept from recording it.
     *
     * @param buffer number, or 0
     * @param attachment its number, or that of a device for an event without a buffer, or 0
     * @param detail as {@link EventKind} says
     * @param from first byte, as {@link EventKind} says
     * @param length in bytes
     * @param bytes moved, written back or skipped
     * @param nanos duration, or 0
     * @param ended {@link System#nanoTime} at its end, from which {@code nanos} was computed; or {@link #NOW}
     */
    void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes, long nanos,
            long ended);

    /** Records an event that has no duration, and happens now. */
    default void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes) {
        record(kind, buffer, attachment, detail, from, length, bytes, 0, NOW);
    }
}
