package sluice.vdev.grabber;

/**
 * What a grabber has done; a copy.
 *
 * @param frames whole pictures
 * @param skipped pictures left out because the driver had not taken the one before
 * @param errors fields that ended at an address that could not be written
 */
public record GrabberStatistics(long frames, long skipped, long errors) {}
