package sluice.dmacore.ownership;

/** What can be done to a cache line of the CPU. */
public enum CacheOperation {
    NONE,
    /** What the CPU has written goes to memory; the line stays. */
    WRITE_BACK,
    /** The line is dropped, with whatever the CPU has written to it. */
    INVALIDATE,
    WRITE_BACK_INVALIDATE;

    /** Whether what the CPU has written goes to memory. */
    boolean writesBack() {
        return this == WRITE_BACK || this == WRITE_BACK_INVALIDATE;
    }

    /** Whether the line is dropped. */
    boolean invalidates() {
        return this == INVALIDATE || this == WRITE_BACK_INVALIDATE;
    }
}
