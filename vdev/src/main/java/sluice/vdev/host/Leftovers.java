package sluice.vdev.host;

import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.iommu.space.LeakReport;
import sluice.iommu.space.Mapping;
import sluice.vdev.io.PeerLog;

/**
 * Mappings that front-ends left when they disconnected. Behind an IOMMU, they are those of a driver that was loaded when the machine was
 * killed or went off, since Linux unmaps nothing for that; or the driver has leaked a buffer. Without an
 * IOMMU a front-end maps all guest memory and never unmaps it, which is normal. Used on the function's loop.
 */
final class Leftovers {
    private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

    private final PeerLog log = new PeerLog(LOG);
    private final String function;
    private long mappings;

    Leftovers(String function) {
        this.function = function;
    }

    /** A front-end has disconnected: logs one line for all mappings that it left, if any. */
    void left(LeakReport report) {
        List<Mapping> left = report.mappings();
        if (left.isEmpty()) return;
        long bytes = 0;
        for (Mapping mapping : left) {
            bytes += mapping.length();
            if (mapping.length() >= NonCoherentMemory.WHOLE_BYTES) return;
        }
        mappings += left.size();
        log.info(
                "{}: the front-end has gone and left {} ranges mapped, {} bytes in all, the first {}; a machine that goes off leaves"
                        + " what loaded drivers have mapped, and a driver behind an IOMMU unmaps what it does not use any more",
                function, left.size(), bytes, left.getFirst().range());
    }

    /** Mappings left so far, of all front-ends. */
    long mappings() {
        return mappings;
    }
}
