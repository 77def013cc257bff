package sluice.iommu.allocation;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.fault.Neighbour;

/** The addresses of one space: which are free, which are withheld, and whose those were that are not mapped any more. */
public final class AddressAllocator {
    private final FreeRanges free = new FreeRanges();
    private final Quarantine quarantine;
    private final FormerMappings former;

    /**
     * @param usable what may be given out
     * @param except ranges of it that may not
     * @param quarantineBytes how many freed bytes are withheld, 0 for none
     * @param remembered how many removed mappings are remembered, at least 1
     */
    public AddressAllocator(AddressRange usable, List<AddressRange> except, long quarantineBytes, int remembered) {
        quarantine = new Quarantine(quarantineBytes, free);
        former = new FormerMappings(remembered);
        free.add(usable);
        for (AddressRange range : except) free.take(range);
    }

    /**
     * Takes a free range; null if there is no room. What is withheld is given out before room is denied.
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

    /** Takes just this range, of which nothing is mapped. */
    public void take(AddressRange range) {
        free.take(range);
        quarantine.take(range);
    }

    /** Takes back a range that never was in use. */
    public void giveBack(AddressRange range) {
        free.add(range);
    }

    /** Takes back a range in which something was mapped. */
    public void release(AddressRange range, Neighbour mapping) {
        former.add(mapping);
        quarantine.add(range);
    }

    /** What was mapped at {@code iova} before, or null if that is not remembered. */
    public @Nullable Neighbour formerly(long iova) {
        return former.at(iova);
    }
}
