package sluice.dmacore.trace;

/** Takes events. Any thread may tell them, also several at a time; telling one must not wait, fail or allocate. */
public interface TraceSink {
    /** Takes nothing. */
    TraceSink NONE = new TraceSink() {
        @Override
        public boolean isOn() {
            return false;
        }

        @Override
        public void name(int number, String name) {
            // nobody asks
        }

        @Override
        public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
                long nanos) {
            // nobody asks
        }
    };

    /** Whether events are wanted at all: what is costly to find out is not found out otherwise. */
    boolean isOn();

    /**
     * Says what a number stands for. May allocate and wait.
     *
     * @param number of a buffer, an attachment or a device, more than 0; no two of them have one in common
     */
    void name(int number, String name);

    /**
     * An event.
     *
     * @param buffer number, or 0
     * @param attachment number of it, or of a device if it is no buffer's, or 0
     * @param detail as {@link EventKind} says
     * @param from first byte, as {@link EventKind} says
     * @param length in bytes
     * @param bytes that were moved, written back, skipped
     * @param nanos that it took, or 0
     */
    void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes, long nanos);
}
