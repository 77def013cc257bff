package sluice.dmacore.fence;

/** What happens to a fence that is not signalled within its bound. */
public enum LatePolicy {
    /** It is reported, and may still be signalled. Those who wait do so until their own timeouts. */
    REPORT,
    /** It is reported and fails with {@code ETIMEDOUT}: everybody gets on, and a later signal counts for nothing. */
    FAIL
}
