package sluice.dmacore.ownership;

/** What the caches have done in one {@link Walk}. Guarded as the walk is. */
final class Tally {
    /** Bytes that a transfer was about, and those of them for which the caches had something to do. */
    long requested;
    long executed;
    long writeBackNanos;
    long invalidateNanos;

    /** Begins anew. */
    Tally begin() {
        requested = 0;
        executed = 0;
        writeBackNanos = 0;
        invalidateNanos = 0;
        return this;
    }
}
