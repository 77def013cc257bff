package sluice.dmacore.trace;

import org.jspecify.annotations.Nullable;

/**
 * Events of a device without a buffer: faults, frames, translations and IOTLB misses. It has a number of its own in
 * place of an attachment's. Taking a start time costs nothing while tracing is off.
 *
 * <p>Used by the device's thread only.
 */
public final class DeviceTrace {
    /** Discards all events. */
    public static final DeviceTrace NONE = new DeviceTrace(TraceSink.NONE, 0);

    private static final int PAGE = 4096;
    private static final int REFUSED = 1;

    private final TraceSink sink;
    private final @Nullable QuietSink quiet;
    private final int number;
    /** Time of the last answer to a miss. */
    private long answered;

    /** @param number of the device; the sink has its name */
    public DeviceTrace(TraceSink sink, int number) {
        this.sink = sink;
        quiet = sink instanceof QuietSink one ? one : null;
        this.number = number;
    }

    /** What is rare is told by a thread that is quiet, too. */
    private boolean isTracing() {
        QuietSink one = quiet;
        return one == null ? sink.isOn() : one.isTracing();
    }

    /** The start time of an operation; 0 while tracing is off. */
    public long begin() {
        return sink.isOn() ? System.nanoTime() : 0;
    }

    /**
     * Addresses were translated.
     *
     * @param address on the bus, of the first byte
     * @param began result of {@link #begin}
     */
    public void translated(long address, long bytes, long began) {
        if (began == 0) return;
        long now = System.nanoTime();
        sink.record(EventKind.TRANSLATE, 0, number, 0, address, bytes, bytes, now - began, now);
    }

    /**
     * The VM's IOMMU has answered a miss. Many are pending at a time: the recorded time is that since the previous
     * answer, so that the sum is the total waiting time.
     *
     * @param known whether the answer was a translation, not a refusal
     * @param began time of the request
     */
    public void missed(long address, boolean known, long began) {
        if (began == 0) return;
        long now = System.nanoTime();
        long since = answered == 0 || began - answered > 0 ? began : answered;
        answered = now;
        sink.record(EventKind.MISS, 0, number, known ? 0 : REFUSED, address, PAGE, PAGE, now - since, now);
    }

    /**
     * Bytes were copied as required by the device's protocol. Ignored if {@code began} is 0, because tracing was
     * switched on meanwhile.
     *
     * @param direction 1 to the device, 2 from it
     */
    public void copied(int direction, long address, long bytes, long began) {
        if (!sink.isOn()) return;
        long now = System.nanoTime();
        sink.record(EventKind.COPY, 0, number, direction, address, bytes, bytes, began == 0 ? 0 : now - began, now);
    }

    /** An access did not translate, or was refused. */
    public void faulted(long address, long length) {
        if (isTracing()) sink.record(EventKind.FAULT, 0, number, 0, address, length, 0);
    }

    /**
     * A display has accepted all pixels of a resource.
     *
     * @param began result of {@link #begin}, when it got the first
     */
    public void displayed(int resource, long began) {
        if (began == 0 || !sink.isOn()) return;
        long now = System.nanoTime();
        sink.record(EventKind.DISPLAY, 0, number, 0, resource, 0, 0, now - began, now);
    }

    /**
     * A guest's kernel has told of a call, and waits until this is answered.
     *
     * @param name number of the call's name, or 0
     * @param address the first DMA address, or 0
     * @param bytes of all addresses
     * @param guestNanos what the guest's clock showed when it told
     * @param began result of {@link #begin}, when it arrived
     */
    public void called(int name, long address, long bytes, long guestNanos, long began) {
        if (began == 0 || !sink.isOn()) return;
        long now = System.nanoTime();
        sink.record(EventKind.CALL, 0, number, name, address, bytes, guestNanos, now - began, now);
    }

    /** A frame was shown or delivered. */
    public void shown(long frame) {
        if (isTracing()) sink.record(EventKind.FRAME, 0, number, 0, frame, 0, 0);
    }
}
