package sluice.iommu.space;

/** What an unmap does with a mapping of which only a part is in its range. */
public enum Splitting {
    /** It refuses, and removes nothing. */
    REFUSED,
    /** It removes the part; what remains are mappings of their own. */
    ALLOWED
}
