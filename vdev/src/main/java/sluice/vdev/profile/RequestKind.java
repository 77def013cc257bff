package sluice.vdev.profile;

/** The requests of one name in one queue. */
public final class RequestKind {
    private final String queue;
    private final String name;
    private final Samples waited = new Samples();
    private final Samples worked = new Samples();
    private final Samples total = new Samples();
    private long deepest;

    RequestKind(String queue, String name) {
        this.queue = queue;
        this.name = name;
    }

    void add(long waitedNanos, long workedNanos, long totalNanos, long available) {
        waited.add(waitedNanos);
        worked.add(workedNanos);
        total.add(totalNanos);
        deepest = Math.max(deepest, available);
    }

    /** The queue's name, without that of the device. */
    public String queue() {
        return queue;
    }

    /** The request's name, such as {@code RESOURCE_FLUSH}. */
    public String name() {
        return name;
    }

    /** Nanoseconds from the kick until it was taken. */
    public Samples waited() {
        return waited;
    }

    /** Nanoseconds from then until it was done. */
    public Samples worked() {
        return worked;
    }

    /** Nanoseconds from the kick to the answer. */
    public Samples total() {
        return total;
    }

    /** The most requests that were available when one was taken; 0 if unknown. */
    public long deepest() {
        return deepest;
    }
}
