package sluice.dmacore.fence;

/** What a producer may do wrong with a fence, on purpose. */
public enum FenceFault {
    /** Nothing. */
    NONE,
    /** It is signalled later than it could be. */
    DELAYED,
    /** It is signalled after the next one of its timeline. */
    REORDERED,
    /** It is never signalled. */
    NEVER,
    /** It is signalled when the work is begun, for success. */
    EARLY,
    /** It succeeds although the work failed, and fails with {@code EIO} although it was done. */
    WRONG_RESULT
}
