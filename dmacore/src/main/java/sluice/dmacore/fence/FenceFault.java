package sluice.dmacore.fence;

/** Faults of a producer, for fault injection. */
public enum FenceFault {
    /** No fault. */
    NONE,
    /** It is signalled later than it could be. */
    DELAYED,
    /** It is signalled after the next one of its timeline. */
    REORDERED,
    /** It is never signalled. */
    NEVER,
    /** It is signalled when the work is begun, for success. */
    EARLY,
    /** It succeeds although the work failed, or fails with {@code EIO} although it succeeded. */
    WRONG_RESULT
}
