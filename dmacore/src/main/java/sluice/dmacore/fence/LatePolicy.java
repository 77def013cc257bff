package sluice.dmacore.fence;

/** Policy for a fence that is not signalled within its bound. */
public enum LatePolicy {
    /** It is reported and may still be signalled. Waiters wait until their own timeouts. */
    REPORT,
    /** It is reported and fails with {@code ETIMEDOUT}: waiters continue, and a later signal is ignored. */
    FAIL
}
