package sluice.iommu.allocation;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.fault.Neighbour;

/** Allocates the addresses of one space: free ranges, ranges in quarantine, and former mappings. */
public final class AddressAllocator {
    private final FreeRanges free = new FreeRanges();
    private final Quarantine quarantine;
    private final FormerMappings former;

    /**
     * @param usable addresses to allocate
     * @param except excluded ranges
     * @param quarantineBytes freed bytes kept in quarantine, 0 for none
     * @param remembered number of removed mappings remembered, at least 1
     */
    public AddressAllocator(AddressRange usable, List<AddressRange> except, long quarantineBytes, int remembered) {
        quarantine = new Quarantine(quarantineBytes, free);
        former = new FormerMappings(remembered);
        free.add(usable);
        for (AddressRange range : except) free.take(range);
    }

    /**
     * Allocates a free range; null if there is none. Ranges in quarantine are used last.
     *
     * @param length in bytes, at least 1
     * @param alignment a power of two
     * @param boundary a power of two, not below {@code length}, that the range does not cross; 0 for none
     */
    public @Nullable AddressRange allocate(long length, long alignment, long boundary) {
        AddressRange found = free.find(length, alignment, boundary);
        if (found == null && !quarantine.isEmpty()) {
            quarantine.release();
            found = free.find(length, alignment, boundary);
        }
        if (found != null) free.take(found);
        return found;
    }

    /** Allocates this range, in which nothing is mapped. */
    public void take(AddressRange range) {
        free.take(range);
        quarantine.take(range);
    }

    /** Frees a range that was never used. */
    public void giveBack(AddressRange range) {
        free.add(range);
    }

    /** Frees a range that was mapped. */
    public void release(AddressRange range, Neighbour mapping) {
        former.add(mapping);
        quarantine.add(range);
    }

    /** The former mapping of {@code iova}, or null if none is remembered. */
    public @Nullable Neighbour formerly(long iova) {
        return former.at(iova);
    }
}
