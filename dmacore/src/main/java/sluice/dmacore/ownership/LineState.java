package sluice.dmacore.ownership;

/**
 * What the caches of the CPU may hold of a line, compared with memory, beside what its present owners may do. The CPU's domain
 * is the CPU and all devices that snoop.
 */
enum LineState {
    /** Somebody may have written it whom nobody has seen. */
    UNKNOWN,
    /** The same, or nothing. */
    CLEAN,
    /** Newer than memory. */
    DIRTY,
    /** Memory may be newer: a device that does not snoop has had it to write. */
    STALE,
    /** Memory may be newer, and the CPU, which has it again, may have written it all the same. */
    TORN;

    /** After somebody wrote through the caches. */
    LineState dirtied() {
        return mayBeStale() ? TORN : DIRTY;
    }

    /** After somebody may have written memory behind the caches. */
    LineState outdated() {
        return mayBeDirty() ? TORN : STALE;
    }

    /** After a write-back. */
    LineState writtenBack() {
        return mayBeStale() ? STALE : CLEAN;
    }

    /** Whether what the caches hold may have to go to memory. */
    boolean mayBeDirty() {
        return this == UNKNOWN || this == DIRTY || this == TORN;
    }

    /** Whether memory may hold what the caches do not. */
    boolean mayBeStale() {
        return this == STALE || this == TORN;
    }
}
