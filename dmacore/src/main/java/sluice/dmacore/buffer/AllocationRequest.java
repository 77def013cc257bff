package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.memory.Runs;

/**
 * The combined constraints of all attached devices on a buffer's memory.
 *
 * @param bytes of the buffer
 * @param contiguous whether it must be one run
 * @param alignment of each run, a power of two
 * @param highest the highest address that all devices without an IOMMU can reach
 * @param scattering the devices without an IOMMU; for each of them the runs are cut to its limits
 */
public record AllocationRequest(long bytes, boolean contiguous, long alignment, long highest,
        List<DeviceDmaParams> scattering) {
    private static final long PAGE = 4096;

    public AllocationRequest {
        scattering = List.copyOf(scattering);
    }

    /** Combines the constraints of devices; behind an IOMMU most of them do not apply. */
    public static AllocationRequest of(long bytes, Collection<DeviceDmaParams> devices) {
        boolean contiguous = false;
        long alignment = PAGE;
        long highest = -1;
        List<DeviceDmaParams> scattering = new ArrayList<>();
        for (DeviceDmaParams params : devices) {
            alignment = Math.max(alignment, params.pageGranule());
            if (params.translated()) continue;
            scattering.add(params);
            contiguous |= params.contiguous();
            alignment = Math.max(alignment, params.minAlignMask() + 1);
            if (Long.compareUnsigned(params.dmaMask(), highest) < 0) highest = params.dmaMask();
        }
        return new AllocationRequest(bytes, contiguous, alignment, highest, scattering);
    }

    /** Whether any scattered pages suit all devices: each accepts the possible number of segments. */
    public boolean takesScattered() {
        if (contiguous) return false;
        for (DeviceDmaParams params : scattering) {
            long piece = Math.min(PAGE, params.pieceBytes());
            if ((bytes - 1) / piece + 1 > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** Whether one run at an address gives no device more segments than it accepts. */
    public boolean suits(long address) {
        for (DeviceDmaParams params : scattering) {
            if (params.pieces(address, bytes) > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** The same for runs, with offsets as addresses. */
    public boolean suits(Runs runs) {
        for (DeviceDmaParams params : scattering) {
            long pieces = 0;
            for (int run = 0; run < runs.count(); run++) pieces += params.pieces(runs.offset(run), runs.length(run));
            if (pieces > params.maxSegmentCount()) return false;
        }
        return true;
    }

    /** Period in bytes after which {@link #suits(long)} repeats its result; 0 if it is constant. */
    public long period() {
        long period = 0;
        for (DeviceDmaParams params : scattering) period = Math.max(period, params.boundary());
        return period;
    }
}
