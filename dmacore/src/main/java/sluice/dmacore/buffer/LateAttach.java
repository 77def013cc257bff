package sluice.dmacore.buffer;

/**
 * What becomes of a device that attaches when another has fetched its segments already, or the memory was allocated for those
 * who were there (rows S19, S23: the exporter's choice).
 */
public enum LateAttach {
    /** It may if the memory suits it. */
    IF_IT_FITS,
    /** EBUSY, always. */
    NEVER
}
