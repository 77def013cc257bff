package sluice.iommu.fault;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;

/**
 * A mapping near an address that faulted, or one that was there.
 *
 * @param id number of the mapping, unique in its space
 * @param range what it covered
 * @param owner whose it was
 */
public record Neighbour(long id, AddressRange range, Owner owner) {
    @Override
    public String toString() {
        return "%s of %s (mapping %d)".formatted(range, owner, id);
    }
}
