package sluice.vdev.device;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * An injected fault: during one of its transfers the device also reads an address that was not passed to it. The VM's
 * IOMMU should refuse it, and report it to the guest.
 */
public final class StrayRead {
    private static final Logger LOG = LoggerFactory.getLogger(StrayRead.class);

    private final long address;
    private final long nth;
    private final Runs found = new Runs();
    private long transfers;
    private boolean trying;

    /**
     * @param address on the bus
     * @param nth number of the transfer, from 1
     */
    public StrayRead(long address, long nth) {
        if (nth < 1) throw new IllegalArgumentException("transfer %d; the first is 1".formatted(nth));
        this.address = address;
        this.nth = nth;
    }

    /** The outcome for the transfer; unaffected if {@link Outcome#RESOLVED}. */
    public Outcome during(FrontTranslation memory, Result result) {
        if (!trying && ++transfers != nth) return result.resolved();
        found.clear();
        Outcome outcome = memory.resolve(address, 1, Access.READ, found, result);
        trying = outcome == Outcome.MISS;
        if (!trying) {
            LOG.warn("the device has read bus address 0x{}, which is not mapped for it: {}", Long.toHexString(address),
                    outcome == Outcome.RESOLVED ? "it is memory, and the access was not stopped" : "refused");
        }
        return outcome;
    }
}
