package sluice.dmacore.ownership;

/** Operations on a CPU cache line. */
public enum CacheOperation {
    NONE,
    /** Write-back (clean): dirty bytes are written to memory; the line stays valid. */
    WRITE_BACK,
    /** Invalidate: the line is dropped, with its dirty bytes. */
    INVALIDATE,
    WRITE_BACK_INVALIDATE;

    /** Whether dirty bytes are written to memory. */
    boolean writesBack() {
        return this == WRITE_BACK || this == WRITE_BACK_INVALIDATE;
    }

    /** Whether the line is dropped. */
    boolean invalidates() {
        return this == INVALIDATE || this == WRITE_BACK_INVALIDATE;
    }
}
