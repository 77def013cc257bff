package sluice.dmacore.witness;

import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

/** What one call of {@code dma_map_sg}, {@code dma_map_phys} or {@code dma_alloc} of a guest's kernel has made. */
final class KernelMapping {
    private final long[] addresses;
    private final long[] lengths;
    private final long bytes;
    private final Runs memory;
    /** What the core knows of it; null for memory that is coherent by itself. */
    private final @Nullable DeviceMapping mapping;

    private KernelMapping(long[] addresses, long[] lengths, Runs memory, @Nullable DeviceMapping mapping) {
        this.addresses = addresses;
        this.lengths = lengths;
        this.memory = memory;
        this.mapping = mapping;
        bytes = memory.bytes();
    }

    /** Memory that needs no transfer. */
    static KernelMapping coherent(long address, long length, Runs memory) {
        return new KernelMapping(new long[]{ address }, new long[]{ length }, memory.copy(), null);
    }

    /**
     * A mapping of a driver's.
     *
     * @param call of the kernel, such as {@code dma_map_sg}; the buffer is named after it
     * @param addresses of the list's entries, and their lengths; together they are as long as {@code memory}
     * @throws DmaBufException the core does not take it; nothing is mapped
     */
    static KernelMapping of(DmaCore core, String call, DeviceFunction function, Stream stream, Share share,
            long[] addresses, long[] lengths, Runs memory, Direction direction, Set<DmaAttribute> attributes)
            throws DmaBufException {
        DmaBuf buffer = core.export(named(call, addresses[0]), memory.bytes(), new GuestPages(memory), share);
        Attachment attachment = null;
        boolean done = false;
        try {
            attachment = buffer.attach(function, stream);
            DeviceMapping mapping = attachment.map(direction, attributes);
            // The guest has chosen the time, and an unmapped list that was never used is no mistake of its.
            mapping.noteUsed();
            done = true;
            return new KernelMapping(addresses, lengths, memory.copy(), mapping);
        } finally {
            if (!done) {
                if (attachment != null) attachment.detach();
                buffer.release();
            }
        }
    }

    private static String named(String call, long address) {
        String name = call + " 0x" + Long.toHexString(address);
        return name.length() <= DmaBuf.NAME_LENGTH ? name : name.substring(0, DmaBuf.NAME_LENGTH);
    }

    int entries() {
        return addresses.length;
    }

    long address(int entry) {
        return addresses[entry];
    }

    long length(int entry) {
        return lengths[entry];
    }

    long bytes() {
        return bytes;
    }

    /** The memory behind it, in the order of its entries. */
    Runs memory() {
        return memory;
    }

    /** Null where the CPU and the device see the same. */
    @Nullable
    DeviceMapping mapping() {
        return mapping;
    }

    /** The mapping has ended: what was made for it ends, too. */
    void letGo() {
        if (mapping == null) return;
        Attachment attachment = mapping.attachment();
        DmaBuf buffer = attachment.buffer();
        attachment.detach();
        buffer.release();
    }
}
