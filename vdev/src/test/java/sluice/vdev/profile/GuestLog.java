package sluice.vdev.profile;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** A guest's trace as its kernel prints it, of a driver whose clock has an offset and a drift. */
public final class GuestLog {
    /** Written at the end: between two looks at the clock there is little else. */
    private record Line(long nanos, Supplier<String> fields) {}

    private final List<Line> lines = new ArrayList<>();
    private final long offset;
    private final double drift;
    private final long start = System.nanoTime();
    private final String queue;

    /**
     * @param offset nanoseconds by which the guest's clock is ahead
     * @param drift and what it gains, relative
     */
    public GuestLog(String queue, long offset, double drift) {
        this.queue = queue;
        this.offset = offset;
        this.drift = drift;
    }

    /** What the guest's clock shows now, in nanoseconds. */
    private long now() {
        long now = System.nanoTime();
        return now + offset + Math.round(drift * (now - start));
    }

    /** A line of an event that happens now. */
    public GuestLog event(String fields) {
        return event(now(), () -> fields);
    }

    /** A line of an event at a time of the guest's clock. */
    public GuestLog event(long nanos, String fields) {
        return event(nanos, () -> fields);
    }

    private GuestLog event(long nanos, Supplier<String> fields) {
        lines.add(new Line(nanos, fields));
        return this;
    }

    private static String text(Line line) {
        long micros = Math.floorDiv(line.nanos() + 500, 1000L);
        return String.format(Locale.ROOT, "         pattern-189     [000] d.h1. %5d.%06d: %s%n", micros / 1_000_000,
                micros % 1_000_000, line.fields().get());
    }

    /** The driver has put a request into the queue. */
    public GuestLog queued(int type, long number) {
        return event(now(),
                () -> "virtio_gpu_cmd_queue: vdev=0 vq=0 name=%s type=0x%x flags=0x0 fence_id=0 ctx_id=0 num_free=63 seqno=%d"
                        .formatted(queue, type, number));
    }

    /** The processor has entered the queue's interrupt. */
    public GuestLog interrupted() {
        return event("irq_handler_entry: irq=25 name=virtio0-" + queue);
    }

    /** The driver has taken an answer. */
    public GuestLog responded(long number) {
        return event(now(),
                () -> "virtio_gpu_cmd_response: vdev=0 vq=0 name=%s type=0x1100 flags=0x0 fence_id=0 ctx_id=0 num_free=64 seqno=%d"
                        .formatted(queue, number));
    }

    @Override
    public String toString() {
        return lines.stream().map(GuestLog::text).collect(Collectors.joining("", "# tracer: nop\n#\n", ""));
    }
}
