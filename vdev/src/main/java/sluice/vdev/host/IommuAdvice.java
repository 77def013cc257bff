package sluice.vdev.host;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.IotlbStatistics;

/** Logs once how the VM's IOMMU invalidates inefficiently or not at all, with the cost so far. */
final class IommuAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(IommuAdvice.class);
    /** Threshold of occurrences above which the pattern is reported. */
    private static final int OFTEN = 16;

    private final IotlbStatistics statistics;
    private int buffersReleased;
    private boolean said;

    IommuAdvice(IotlbStatistics statistics) {
        this.statistics = statistics;
    }

    /** After an invalidation. */
    void invalidated() {
        if (said || statistics.wholesaleInvalidations() < OFTEN || statistics.droppedWholesale() < OFTEN) return;
        said = true;
        LOG.warn("""
                the VM's IOMMU takes everything away at each flush: {} flushes have dropped {} translations, and {} \
                were asked for in {} ms all together. The guest's kernel parameter iommu.strict=1, or virtio-iommu, \
                would spare most of them""", statistics.wholesaleInvalidations(), statistics.droppedWholesale(),
                statistics.misses(), statistics.waitedNanos() / 1_000_000);
    }

    /** A driver has released a buffer and will unmap it. */
    void bufferReleased() {
        if (++buffersReleased >= OFTEN) tellIfNothingWasTakenBack();
    }

    /** A driver seems to have broken a rule of a ring; the ring may also have been read through a stale translation. */
    void queueBroken() {
        tellIfNothingWasTakenBack();
    }

    private void tellIfNothingWasTakenBack() {
        if (said || !statistics.isTranslating()
                || statistics.exactInvalidations() + statistics.wholesaleInvalidations() > 0) {
            return;
        }
        said = true;
        LOG.warn(
                """
                        the VM's IOMMU has not taken back a single one of {} translations: the device may be using memory that the \
                        guest has unmapped. QEMU's amd-iommu does so; use intel-iommu or virtio-iommu""",
                statistics.misses());
    }
}
