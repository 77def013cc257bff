package sluice.iommu.space;

/** What an unmap does with a mapping that is only partly in its range. */
public enum Splitting {
    /** Refuse, and remove nothing. */
    REFUSED,
    /** Remove the part; the rest becomes mappings of their own. */
    ALLOWED
}
