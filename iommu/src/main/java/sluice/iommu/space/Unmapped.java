package sluice.iommu.space;

import java.util.List;

/**
 * The result of an unmap, a revoke or a move. Only readers counted in {@code overrun} may still use the old targets.
 *
 * @param bytes unmapped
 * @param mappings ended mappings, in address order, including split ones
 * @param overrun readers and pins that exceeded the bound: their next access faults, but until then they use the old
 * targets
 */
public record Unmapped(long bytes, List<Mapping> mappings, int overrun) {
    public Unmapped {
        mappings = List.copyOf(mappings);
    }
}
