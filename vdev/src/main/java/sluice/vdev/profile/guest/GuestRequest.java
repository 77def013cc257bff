package sluice.vdev.profile.guest;

/**
 * A request as the guest's driver has seen it. Times are nanoseconds of the guest's clock; -1 if the trace does not tell it.
 */
final class GuestRequest {
    static final long UNKNOWN = -1;

    final long number;
    int type;
    long queued = UNKNOWN;
    long interrupted = UNKNOWN;
    long responded = UNKNOWN;
    /** Whether the guest has told the same twice, so that nothing of it counts. */
    boolean isDouble;

    GuestRequest(long number) {
        this.number = number;
    }

    boolean isQueued() {
        return queued != UNKNOWN && !isDouble;
    }

    boolean isResponded() {
        return responded != UNKNOWN && !isDouble;
    }

    boolean isWhole() {
        return isQueued() && isResponded();
    }
}
