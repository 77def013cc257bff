package sluice.iommu.space;

/**
 * Counters of a space.
 *
 * @param maps mappings made since the beginning
 * @param unmaps mappings removed since then, each part of a split one by itself
 * @param mappings there are now
 * @param mappedBytes in them
 * @param faults since the beginning
 * @param overruns readers and pins that did not let go in time
 * @param barriers heavy barriers run
 */
public record IoSpaceStatistics(long maps, long unmaps, int mappings, long mappedBytes, long faults, long overruns,
        long barriers) {}
