package sluice.iommu.space;

/**
 * The result of an invalidation.
 *
 * @param entries number of dropped entries
 * @param overrun readers with a section that exceeded the bound
 */
public record Invalidated(int entries, int overrun) {}
