package sluice.dmacore.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpace;

/**
 * The addresses that a device can form, which may be fewer than its front-end maps for it: all of a machine's memory is mapped,
 * whatever a driver has told by {@code dma_set_mask}. For one thread.
 */
final class AddressLimit {
    private static final long ANY = -1;

    private final long mask;
    private final IoSpace table;
    private @Nullable FaultRecord fault;

    /**
     * @param mask the highest address, 2^n − 1
     * @param table in whose log a fault is recorded
     */
    AddressLimit(long mask, IoSpace table) {
        this.mask = mask;
        this.table = table;
    }

    /** Whether the device can form all addresses of a range; if not, that is recorded, from the first on that it cannot. */
    boolean allows(long address, long length, Access access) {
        if (mask == ANY || length == 0) return true;
        long last = address + length - 1;
        boolean wraps = Long.compareUnsigned(last, address) < 0;
        if (!wraps && Long.compareUnsigned(last, mask) <= 0) {
            fault = null;
            return true;
        }
        long first = Long.compareUnsigned(address, mask) > 0 ? address : mask + 1;
        fault = table.faults().add(table.options().name(), FaultContext.NONE, first, access, length - (first - address),
                FaultReason.OVER_MASK, null, null, null, "dma-mask=0x" + Long.toHexString(mask));
        return false;
    }

    /** The record of the last access, if it was refused here. */
    @Nullable
    FaultRecord fault() {
        return fault;
    }
}
