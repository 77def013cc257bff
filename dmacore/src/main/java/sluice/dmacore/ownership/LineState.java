package sluice.dmacore.ownership;

/** What the caches of the CPU hold of a line, compared with memory. The CPU's domain is the CPU and all devices that snoop. */
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

    /** Whether what the caches hold may have to go to memory. */
    boolean mayBeDirty() {
        return this == UNKNOWN || this == DIRTY || this == TORN;
    }

    /** Whether memory may hold what the caches do not. */
    boolean mayBeStale() {
        return this == STALE || this == TORN;
    }
}
