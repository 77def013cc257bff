package sluice.dmacore.witness;

import java.util.EnumSet;
import java.util.Set;

import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.ownership.Direction;

/**
 * A call of the DMA API as a guest's kernel has made it.
 *
 * @param name of the kernel's function, such as {@code dma_sync_sg_for_cpu}
 * @param direction as it was given
 * @param attributes those of {@code include/linux/dma-mapping.h} that mean something here
 * @param bounced whether it has given addresses of a bounce buffer
 */
public record KernelCall(String name, Direction direction, Set<DmaAttribute> attributes, boolean bounced) {
    /** DMA_ATTR_SKIP_CPU_SYNC and DMA_ATTR_MMIO of {@code include/linux/dma-mapping.h}. */
    private static final int SKIP_CPU_SYNC = 1 << 5;
    private static final int MMIO = 1 << 10;

    /** Whether it ends a mapping as a whole; the calls of {@code dma_iova_*} link and unlink parts of one. */
    boolean endsAll() {
        return !name.startsWith("dma_iova_");
    }

    /** @param bits DMA_ATTR_* of the kernel; those that mean nothing here are left out */
    public static Set<DmaAttribute> attributes(int bits) {
        Set<DmaAttribute> found = EnumSet.noneOf(DmaAttribute.class);
        if ((bits & SKIP_CPU_SYNC) != 0) found.add(DmaAttribute.SKIP_CPU_SYNC);
        if ((bits & MMIO) != 0) found.add(DmaAttribute.MMIO);
        return found;
    }
}
