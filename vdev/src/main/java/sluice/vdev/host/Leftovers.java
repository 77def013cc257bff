package sluice.vdev.host;

import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.iommu.space.LeakReport;
import sluice.iommu.space.Mapping;
import sluice.vdev.io.PeerLog;

/**
 * What front-ends had mapped for a function and have left behind when they went. A driver behind an IOMMU that leaves a buffer
 * mapped has forgotten to unmap it, or its VM was killed in the middle. A front-end whose VM has no IOMMU maps the VM's whole
 * memory and leaves that when it ends, which means nothing. Used on the function's loop.
 */
final class Leftovers {
    private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

    private final PeerLog log = new PeerLog(LOG);
    private final String function;
    private long mappings;

    Leftovers(String function) {
        this.function = function;
    }

    /** A front-end has gone: one line for all that it has left, if that means something. */
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
                "{}: the front-end has gone and left {} ranges mapped, {} bytes in all, the first {}; a driver behind an"
                        + " IOMMU unmaps what it does not use any more",
                function, left.size(), bytes, left.getFirst().range());
    }

    /** Mappings that were left so far, of all front-ends. */
    long mappings() {
        return mappings;
    }
}
