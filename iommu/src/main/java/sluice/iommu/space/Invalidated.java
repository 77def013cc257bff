package sluice.iommu.space;

/**
 * What an invalidation did.
 *
 * @param entries that were dropped
 * @param overrun readers that did not leave their section within the bound
 */
public record Invalidated(int entries, int overrun) {}
