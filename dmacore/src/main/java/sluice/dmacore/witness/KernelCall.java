package sluice.dmacore.witness;

import java.util.EnumSet;
import java.util.Set;

import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.ownership.Direction;

/**
 * A call of the DMA API by a guest's kernel.
 *
 * @param name of the kernel's function, such as {@code dma_sync_sg_for_cpu}
 * @param direction as passed to the call
 * @param attributes supported attributes of {@code include/linux/dma-mapping.h}
 * @param bounced whether its addresses are those of a bounce buffer
 * @param chain who called it, innermost function first, one a line; empty if unknown
 * @param listed entries of its list, as the driver counts them; 0 without a list
 * @param cpuAddress address of the CPU with which memory is allocated or freed; 0 for other calls
 */
public record KernelCall(String name, Direction direction, Set<DmaAttribute> attributes, boolean bounced,
        String chain, long listed, long cpuAddress) {
    /** DMA_ATTR_SKIP_CPU_SYNC and DMA_ATTR_MMIO of {@code include/linux/dma-mapping.h}. */
    private static final int SKIP_CPU_SYNC = 1 << 5;
    private static final int MMIO = 1 << 10;

    /** A call without a call chain. */
    public KernelCall(String name, Direction direction, Set<DmaAttribute> attributes, boolean bounced) {
        this(name, direction, attributes, bounced, "");
    }

    /** A call without what a driver says of a list or of allocated memory. */
    public KernelCall(String name, Direction direction, Set<DmaAttribute> attributes, boolean bounced, String chain) {
        this(name, direction, attributes, bounced, chain, 0, 0);
    }

    /** The same of a list of so many entries. */
    public KernelCall ofList(long entries) {
        return new KernelCall(name, direction, attributes, bounced, chain, entries, cpuAddress);
    }

    /** The same of memory at an address of the CPU. */
    public KernelCall ofMemory(long address) {
        return new KernelCall(name, direction, attributes, bounced, chain, listed, address);
    }

    /** The call with its direction and attributes, for findings. */
    String said() {
        StringBuilder text = new StringBuilder(name).append(' ').append(direction);
        for (DmaAttribute attribute : attributes) text.append(' ').append(attribute);
        return text.toString();
    }

    /** Whether it makes a mapping. */
    boolean maps() {
        return name.startsWith("dma_map_") || name.startsWith("dma_alloc") || name.equals("dma_iova_link");
    }

    /** Whether it unmaps a whole mapping; {@code dma_iova_*} link and unlink parts of one. */
    boolean endsAll() {
        return !name.startsWith("dma_iova_");
    }

    /** @param bits DMA_ATTR_* of the kernel; unsupported ones are ignored */
    public static Set<DmaAttribute> attributes(int bits) {
        Set<DmaAttribute> found = EnumSet.noneOf(DmaAttribute.class);
        if ((bits & SKIP_CPU_SYNC) != 0) found.add(DmaAttribute.SKIP_CPU_SYNC);
        if ((bits & MMIO) != 0) found.add(DmaAttribute.MMIO);
        return found;
    }
}
