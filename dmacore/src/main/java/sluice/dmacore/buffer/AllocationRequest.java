package sluice.dmacore.buffer;

import java.util.Collection;
import java.util.List;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.memory.Runs;

/**
 * What all devices that are attached to a buffer want of its memory, together.
 *
 * @param bytes of the buffer
 * @param contiguous whether it must be one run
 * @param alignment of each run, a power of two
 * @param highest the highest address any device without an IOMMU can form
 * @param scattering the devices without an IOMMU, each of which gets the runs cut as it takes them
 */
public record AllocationRequest(long bytes, boolean contiguous, long alignment, long highest,
        List<DeviceDmaParams> scattering) {
    private static final long PAGE = 4096;

    public AllocationRequest {
        scattering = List.copyOf(scattering);
    }

    /** Collates the wishes of devices: an IOMMU makes most of them go away. */
    public static AllocationRequest of(long bytes, Collection<DeviceDmaParams> devices) {
        boolean contiguous = false;
        long alignment = PAGE;
        long highest = -1;
        for (DeviceDmaParams params : devices) {
            alignment = Math.max(alignment, params.pageGranule());
            if (params.translated()) continue;
            contiguous |= params.contiguous();
            alignment = Math.max(alignment, params.minAlignMask() + 1);
            if (Long.compareUnsigned(params.dmaMask(), highest) < 0) highest = params.dmaMask();
        }
        return new AllocationRequest(bytes, contiguous, alignment, highest,
                devices.stream().filter(params -> !params.translated()).toList());
    }

    /** Whether any pages would do, however scattered: every device takes as many pieces as there would be. */
    public boolean takesScattered() {
        if (contiguous) return false;
        for (DeviceDmaParams params : scattering) {
            long piece = Math.min(PAGE, params.pieceBytes());
            if ((bytes - 1) / piece + 1 > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** Whether no device gets more pieces than it takes, if the memory is one run at an address. */
    public boolean suits(long address) {
        for (DeviceDmaParams params : scattering) {
            if (params.pieces(address, bytes) > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** The same of runs whose addresses are their offsets. */
    public boolean suits(Runs runs) {
        for (DeviceDmaParams params : scattering) {
            long pieces = 0;
            for (int run = 0; run < runs.count(); run++) pieces += params.pieces(runs.offset(run), runs.length(run));
            if (pieces > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** Bytes after which an address {@linkplain #suits(long) suits} as the one before did; 0 if all do or none. */
    public long period() {
        long period = 0;
        for (DeviceDmaParams params : scattering) period = Math.max(period, params.boundary());
        return period;
    }
}
