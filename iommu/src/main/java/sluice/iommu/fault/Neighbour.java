package sluice.iommu.fault;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;

/**
 * A mapping near a faulting address, or a former mapping of it.
 *
 * @param id number of the mapping, unique in its space
 * @param range its addresses
 * @param owner its owner
 */
public record Neighbour(long id, AddressRange range, Owner owner) {
    @Override
    public String toString() {
        return "%s of %s (mapping %d)".formatted(range, owner, id);
    }
}
