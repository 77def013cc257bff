package sluice.dmacore.ownership;

/**
 * The state of a line in the CPU's caches compared with memory, apart from the effects of its present owners. The CPU's
 * domain is the CPU and all snooping devices.
 */
enum LineState {
    /** Unknown: an unnoticed write is possible. */
    UNKNOWN,
    /** Clean: equal to memory, or not cached. */
    CLEAN,
    /** Dirty: newer than memory. */
    DIRTY,
    /** Memory may be newer: a non-snooping device has owned it for writing. */
    STALE,
    /** Memory may be newer, and the CPU, which owns it again, may have written it nevertheless. */
    TORN;

    /** After a write through the caches. */
    LineState dirtied() {
        return mayBeStale() ? TORN : DIRTY;
    }

    /** After a possible write to memory behind the caches. */
    LineState outdated() {
        return mayBeDirty() ? TORN : STALE;
    }

    /** After a write-back. */
    LineState writtenBack() {
        return mayBeStale() ? STALE : CLEAN;
    }

    /** Whether a write-back may be needed. */
    boolean mayBeDirty() {
        return this == UNKNOWN || this == DIRTY || this == TORN;
    }

    /** Whether memory may be newer than the caches. */
    boolean mayBeStale() {
        return this == STALE || this == TORN;
    }
}
