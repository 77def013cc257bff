package sluice.iommu;

/** The kind of an access to memory. */
public enum Access {
    READ,
    WRITE
}
