package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;

/**
 * A plane of a USERPTR or DMABUF buffer: pages of the guest, or an object of another device, mapped in the device's own address
 * space.
 */
final class UserMemory implements PlaneMemory {
    /** Heap bytes of an entry of the list with its part of the core's buffer, and of the buffer itself. */
    private static final long ENTRY_HEAP = 256;
    private static final long BUFFER_HEAP = 2048;

    private final MediaSpace space;
    private final long[] entries;
    private final @Nullable UUID object;
    private final long length;
    private final boolean output;
    private final DeviceMapping mapping;
    private final long table;
    private boolean given;
    private boolean released;
    private int holds;
    /** For native code; made at the first use. Guarded by the plane, as is {@link #gone}. */
    private @Nullable StitchedPages pages;
    private boolean asked;
    private boolean gone;

    /**
     * Memory that is mapped.
     *
     * @param entries pairs of a bus address and a length, of which the lower 32 bits count; none for an object
     * @param object its name, or null
     * @param table number of the memory table that they were translated by
     */
    UserMemory(MediaSpace space, long[] entries, @Nullable UUID object, long length, boolean output,
            DeviceMapping mapping, long table) {
        this.space = space;
        this.entries = entries;
        this.object = object;
        this.length = length;
        this.output = output;
        this.mapping = mapping;
        this.table = table;
    }

    /** What a list of this many entries costs of the heap. */
    static long heapBytes(int entries) {
        return BUFFER_HEAP + entries * ENTRY_HEAP;
    }

    long heapBytes() {
        return heapBytes(entries.length / 2);
    }

    boolean isOutput() {
        return output;
    }

    DeviceMapping mapping() {
        return mapping;
    }

    /** Whether another device has made the buffer. */
    boolean isObject() {
        return object != null;
    }

    /** Whether it is the memory that this list names. */
    boolean isOf(long[] list, boolean forOutput, long tableNumber) {
        return !released && object == null && table == tableNumber && output == forOutput
                && Arrays.equals(entries, list);
    }

    /** Whether it is all of the object, as it is now. */
    boolean isOf(UUID name, Object buffer, long bytes, boolean forOutput) {
        return !released && name.equals(object) && mapping.isLive() && length == bytes && output == forOutput
                && mapping.attachment().buffer().equals(buffer);
    }

    /** Whether any of it is in a range of bus addresses. */
    boolean overlaps(AddressRange range) {
        for (int i = 0; i < entries.length; i += 2) {
            long bytes = Integer.toUnsignedLong((int) entries[i + 1]);
            if (range.contains(entries[i]) || Long.compareUnsigned(range.first() - entries[i], bytes) < 0) return true;
        }
        return false;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public boolean read(long offset, MemorySegment target, long targetOffset, long bytes) {
        return space.read(mapping, offset, target, targetOffset, bytes);
    }

    @Override
    public boolean write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        return space.write(mapping, offset, source, sourceOffset, bytes);
    }

    @Override
    public @Nullable MemorySegment whole() {
        return null;
    }

    @Override
    public FrameArena.@Nullable Range range() {
        return null;
    }

    @Override
    public synchronized @Nullable MemorySegment direct() {
        if (gone || !mapping.isLive()) return null;
        if (!asked) pages = space.stitched(mapping, length);
        asked = true;
        return pages == null ? null : pages.memory();
    }

    @Override
    public boolean wrote(long bytes) {
        return space.accessed(mapping, bytes, Access.WRITE);
    }

    @Override
    public boolean reads(long bytes) {
        return space.accessed(mapping, bytes, Access.READ);
    }

    @Override
    public void hold() {
        holds++;
    }

    @Override
    public void letGo() {
        if (--holds == 0 && released) closePages();
    }

    @Override
    public void give(boolean cleaned) {
        if (given || !mapping.isLive()) return;
        given = true;
        if (!cleaned) return;
        try {
            mapping.syncForDevice(0, length, direction(output));
        } catch (DmaBufException e) {
            throw new IllegalStateException("a buffer cannot be given to its device", e);
        }
    }

    @Override
    public void takeBack(boolean invalidates) {
        if (!given || !mapping.isLive()) return;
        given = false;
        if (!invalidates) return;
        try {
            mapping.syncForCpu(0, length, direction(output));
        } catch (DmaBufException e) {
            throw new IllegalStateException("a buffer cannot be taken back from its device", e);
        }
    }

    /** A decoder reads what it has written, so it maps CAPTURE buffers for both, as drivers of decoders do. */
    static Direction direction(boolean output) {
        return output ? Direction.TO_DEVICE : Direction.BIDIRECTIONAL;
    }

    /** The guest unmaps some of it, or it is not used any more; a second time nothing happens. */
    @Override
    public void release() {
        if (released) return;
        released = true;
        synchronized (this) {
            gone = true;
            if (pages != null) pages.takeAway();
        }
        space.unmap(this);
        if (holds == 0) closePages();
    }

    private void closePages() {
        StitchedPages unused;
        synchronized (this) {
            unused = pages;
            pages = null;
        }
        if (unused != null) unused.close();
    }
}
