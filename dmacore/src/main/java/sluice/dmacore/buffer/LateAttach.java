package sluice.dmacore.buffer;

/**
 * Policy for a device that attaches after another has fetched its segments, or after memory was allocated (rows S19,
 * S23: the exporter's choice).
 */
public enum LateAttach {
    /** Allowed if the memory suits the device. */
    IF_IT_FITS,
    /** Refused with EBUSY. */
    NEVER
}
