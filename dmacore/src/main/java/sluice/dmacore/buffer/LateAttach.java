package sluice.dmacore.buffer;

/** What becomes of a device that attaches when the memory is chosen already (rows S19, S23: the exporter's choice). */
public enum LateAttach {
    /** It may if the memory suits it. */
    IF_IT_FITS,
    /** EBUSY, always. */
    NEVER
}
