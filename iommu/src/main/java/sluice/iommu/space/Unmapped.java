package sluice.iommu.space;

import java.util.List;

/**
 * What an unmap, a revoke or a move took away. Nobody uses it any more, but those it counts as overrun.
 *
 * @param bytes that were mapped before and are not any more
 * @param mappings those that ended, in the order of their addresses; one that was split is among them
 * @param overrun readers and pins that did not let go within the bound: their next access faults, but what they do until
 *            then goes to the old targets
 */
public record Unmapped(long bytes, List<Mapping> mappings, int overrun) {
    public Unmapped {
        mappings = List.copyOf(mappings);
    }
}
