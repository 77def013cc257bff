package sluice.dmacore.witness;

import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.WrittenRanges;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.memory.Runs;

/** The result of one call of {@code dma_map_sg}, {@code dma_map_phys} or {@code dma_alloc} of a guest's kernel. */
final class KernelMapping {
    private final long[] addresses;
    private final long[] lengths;
    private final long bytes;
    private final Runs memory;
    private final String name;
    private final KernelCall call;
    /** The core's mapping; null for coherent memory, or without memory. */
    private final @Nullable DeviceMapping mapping;
    /**
     * Bytes written by a snooping device and not yet synced for the CPU; null for a non-snooping device, for which the
     * cache model tracks them.
     */
    private final @Nullable WrittenRanges unfetched;
    /** Whether its addresses are those of a bounce buffer. */
    private final boolean bounced;
    /** Bytes that the device has written since the last sync for the CPU. */
    private final AtomicLong written = new AtomicLong();

    private KernelMapping(KernelCall call, String name, long[] addresses, long[] lengths, Runs memory,
            @Nullable DeviceMapping mapping,
            @Nullable WrittenRanges unfetched, boolean bounced) {
        this.call = call;
        this.bounced = bounced;
        this.name = name;
        this.addresses = addresses;
        this.lengths = lengths;
        this.memory = memory;
        this.mapping = mapping;
        this.unfetched = unfetched;
        bytes = memory.bytes();
    }

    /** Memory that needs no transfer. */
    static KernelMapping coherent(KernelCall call, long address, long length, Runs memory) {
        return new KernelMapping(call, named(call.name(), address), new long[]{ address }, new long[]{ length },
                memory.copy(), null, null, false);
    }

    /** A list without memory of this process, or unknown to the core. */
    static KernelMapping elsewhere(KernelCall call, long[] addresses, long[] lengths) {
        return new KernelMapping(call, named(call.name(), addresses[0]), addresses, lengths, new Runs(), null, null,
                false);
    }

    /**
     * A mapping of a driver.
     *
     * @param call of the kernel; the buffer is named after it
     * @param judged whether the device's writes are tracked here
     * @param addresses of the list's entries, and their lengths; the sum is the size of {@code memory}
     * @throws DmaBufException the core refuses it; nothing is mapped
     */
    static KernelMapping of(DmaCore core, KernelCall call, DeviceFunction function, Stream stream, boolean judged,
            Share share, long[] addresses, long[] lengths, Runs memory) throws DmaBufException {
        String name = named(call.name(), addresses[0]);
        DmaBuf buffer = core.export(name, memory.bytes(), new GuestPages(memory), share);
        Attachment attachment = null;
        boolean done = false;
        try {
            attachment = buffer.attach(function, stream);
            DeviceMapping mapping = attachment.map(call.direction(), call.attributes());
            // The guest decides when to map, and an unused mapping is not an error.
            mapping.noteUsed();
            done = true;
            return new KernelMapping(call, name, addresses, lengths, memory.copy(), mapping,
                    judged && call.direction().deviceWrites() ? new WrittenRanges(memory.bytes()) : null,
                    call.bounced());
        } finally {
            if (!done) {
                if (attachment != null) attachment.detach();
                buffer.release();
            }
        }
    }

    /** What findings about a mapping call its buffer. */
    static String named(String call, long address) {
        String name = call + " 0x" + Long.toHexString(address);
        return name.length() <= DmaBuf.NAME_LENGTH ? name : name.substring(0, DmaBuf.NAME_LENGTH);
    }

    /** The call that created it, and its first address. */
    String name() {
        return name;
    }

    /** The call that made it. */
    KernelCall call() {
        return call;
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

    /** Whether it was mapped instead of allocated, so that a call unmaps it. */
    boolean isStreaming() {
        return mapping != null || memory.count() == 0;
    }

    /** Whether the device may write it. */
    boolean isWritable() {
        return mapping != null && mapping.direction().deviceWrites();
    }

    /** The device has written. */
    void written(long from, long length) {
        if (unfetched != null) unfetched.add(from, length);
        written.addAndGet(length);
    }

    /** A sync for the CPU: returns the bytes that the device has written since the last one. */
    long takeWritten() {
        return written.getAndSet(0);
    }

    boolean isBounced() {
        return bounced;
    }

    /** The device's writes were synced for the CPU, or are no longer needed. */
    void fetched(long from, long length) {
        if (unfetched != null) unfetched.clear(from, length);
    }

    /** The first byte of a range written by the device and not synced for the CPU, or −1. */
    long firstUnfetched(long from, long length) {
        if (unfetched == null) return -1;
        long first = unfetched.next(from);
        return first < from + length ? first : -1;
    }

    /** Its memory, in the order of its entries. */
    Runs memory() {
        return memory;
    }

    /** Null where the CPU and the device see the same. */
    @Nullable
    DeviceMapping mapping() {
        return mapping;
    }

    /** The mapping has ended: releases its resources. */
    void letGo() {
        if (mapping == null) return;
        Attachment attachment = mapping.attachment();
        DmaBuf buffer = attachment.buffer();
        attachment.detach();
        buffer.release();
    }
}
