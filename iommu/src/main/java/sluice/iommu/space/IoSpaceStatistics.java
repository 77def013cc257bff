package sluice.iommu.space;

/**
 * Counters of a space.
 *
 * @param maps mappings created
 * @param unmaps mappings removed, counting each part of a split one
 * @param mappings current mappings
 * @param mappedBytes size of the current mappings in bytes
 * @param faults number of faults
 * @param overruns readers and pins that exceeded the bound
 * @param barriers heavy barriers executed
 */
public record IoSpaceStatistics(long maps, long unmaps, int mappings, long mappedBytes, long faults, long overruns,
        long barriers) {}
