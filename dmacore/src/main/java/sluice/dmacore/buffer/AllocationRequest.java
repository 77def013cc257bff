package sluice.dmacore.buffer;

import java.util.Collection;

import sluice.dmacore.device.DeviceDmaParams;

/**
 * What all devices that are attached to a buffer want of its memory, together.
 *
 * @param bytes of the buffer
 * @param contiguous whether it must be one run
 * @param alignment of each run, a power of two
 * @param runBytes the longest run, or {@link Long#MAX_VALUE}
 * @param mostRuns the most runs
 * @param highest the highest address any device without an IOMMU can form
 */
public record AllocationRequest(long bytes, boolean contiguous, long alignment, long runBytes, int mostRuns,
        long highest) {
    private static final long PAGE = 4096;

    /** Collates the wishes of devices: an IOMMU makes most of them go away. */
    public static AllocationRequest of(long bytes, Collection<DeviceDmaParams> devices) {
        boolean contiguous = false;
        long alignment = PAGE;
        int mostRuns = Integer.MAX_VALUE;
        long runBytes = Long.MAX_VALUE;
        long highest = -1;
        for (DeviceDmaParams params : devices) {
            alignment = Math.max(alignment, params.pageGranule());
            if (params.translated()) continue;
            contiguous |= params.contiguous();
            alignment = Math.max(alignment, params.minAlignMask() + 1);
            mostRuns = Math.min(mostRuns, params.maxSegmentCount());
            runBytes = Math.min(runBytes, params.maxSegmentSize());
            if (Long.compareUnsigned(params.dmaMask(), highest) < 0) highest = params.dmaMask();
        }
        // Fewer runs than that are possible only if each is long, and longer than a device takes it is cut into segments.
        boolean few = mostRuns < (bytes + PAGE - 1) / PAGE;
        return new AllocationRequest(bytes, contiguous || few, alignment, runBytes, mostRuns, highest);
    }
}
