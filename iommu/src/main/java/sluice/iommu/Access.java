package sluice.iommu;

/** What somebody wants to do with the memory behind an address. */
public enum Access {
    READ,
    WRITE
}
