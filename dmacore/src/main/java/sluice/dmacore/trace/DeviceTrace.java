package sluice.dmacore.trace;

/**
 * What a device has to tell that is no buffer's: its faults, its frames, the addresses it has translated or had to ask for. It
 * has a number of its own, where an attachment's would be. To begin a time costs nothing while nobody listens.
 *
 * <p>Used by the device's thread alone.
 */
public final class DeviceTrace {
    /** Tells nobody. */
    public static final DeviceTrace NONE = new DeviceTrace(TraceSink.NONE, 0);

    private static final int PAGE = 4096;
    private static final int REFUSED = 1;

    private final TraceSink sink;
    private final int number;
    /** When the last question was answered. */
    private long answered;

    /** @param number of the device, which the sink has the name of */
    public DeviceTrace(TraceSink sink, int number) {
        this.sink = sink;
        this.number = number;
    }

    /** When something begins; 0 if nobody wants to know. */
    public long begin() {
        return sink.isOn() ? System.nanoTime() : 0;
    }

    /**
     * Addresses were translated.
     *
     * @param address on the bus, of the first byte
     * @param began as {@link #begin} has said
     */
    public void translated(long address, long bytes, long began) {
        if (began == 0) return;
        sink.record(EventKind.TRANSLATE, 0, number, 0, address, bytes, bytes, System.nanoTime() - began);
    }

    /**
     * The VM's IOMMU has answered a question about a page. Many are open at a time: what is told is how long this answer was
     * waited for after the one before it, so that all of them together are the time that was waited.
     *
     * @param known whether the answer was an address, and not no
     * @param began when it was asked
     */
    public void missed(long address, boolean known, long began) {
        if (began == 0) return;
        long now = System.nanoTime();
        long since = answered == 0 || began - answered > 0 ? began : answered;
        answered = now;
        sink.record(EventKind.MISS, 0, number, known ? 0 : REFUSED, address, PAGE, PAGE, now - since);
    }

    /**
     * Bytes were copied as the device's protocol says. If it is {@code began} that is 0, tracing was switched on in the middle.
     *
     * @param direction 1 to the device, 2 from it
     */
    public void copied(int direction, long address, long bytes, long began) {
        if (!sink.isOn()) return;
        long nanos = began == 0 ? 0 : System.nanoTime() - began;
        sink.record(EventKind.COPY, 0, number, direction, address, bytes, bytes, nanos);
    }

    /** An access did not translate, or was refused. */
    public void faulted(long address, long length) {
        if (sink.isOn()) sink.record(EventKind.FAULT, 0, number, 0, address, length, 0, 0);
    }

    /** A frame was shown or delivered. */
    public void shown(long frame) {
        if (sink.isOn()) sink.record(EventKind.FRAME, 0, number, 0, frame, 0, 0, 0);
    }
}
