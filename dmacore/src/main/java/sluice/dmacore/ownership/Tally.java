package sluice.dmacore.ownership;

/** Counters of the cache operations in one {@link Walk}. Guarded as the walk. */
final class Tally {
    /** Bytes of a transfer, and those that needed cache operations. */
    long requested;
    long executed;
    long writeBackNanos;
    long invalidateNanos;

    /** Resets it. */
    Tally begin() {
        requested = 0;
        executed = 0;
        writeBackNanos = 0;
        invalidateNanos = 0;
        return this;
    }
}
