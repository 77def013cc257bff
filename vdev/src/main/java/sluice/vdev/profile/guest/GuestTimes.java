package sluice.vdev.profile.guest;

/**
 * When a request was with the guest, in nanoseconds of our clock.
 *
 * @param queued when the driver had put it into the queue
 * @param interrupted when the guest's processor had entered the interrupt for its answer; {@code responded} if the trace has none
 * @param responded when the driver took the answer
 */
public record GuestTimes(long queued, long interrupted, long responded) {}
