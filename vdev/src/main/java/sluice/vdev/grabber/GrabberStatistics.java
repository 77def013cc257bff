package sluice.vdev.grabber;

/**
 * A snapshot of a grabber's statistics.
 *
 * @param frames complete pictures
 * @param skipped pictures skipped because the driver had not acknowledged the previous one
 * @param errors fields that ended at an address that was not writable
 */
public record GrabberStatistics(long frames, long skipped, long errors) {}
