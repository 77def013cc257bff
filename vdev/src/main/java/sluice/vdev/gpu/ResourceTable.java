package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The guest's resources by id, and what they may use together: host memory for their images, and room for the lists of
 * pages behind them. An open-addressed table, because a map of boxed
 * numbers would allocate on every command.
 */
final class ResourceTable {
    /** What the smallest resource counts: bookkeeping is not free, and a guest may make many. */
    private static final long LEAST_CHARGE = 4096;
    /** Neither side of a resource may be longer; pictures above that no display of ours takes. */
    static final int MAX_SIDE = 16_384;
    /** However much memory images may have: a resource with backing is about 2.5 KB of the heap. */
    static final int MAX_RESOURCES = 16_384;
    /**
     * Entries of all backings together: sixteen screens of 4K in single pages. An entry is 40 bytes of the heap, or about 250 if
     * it is not of whole pages, which {@link BackingSpace} limits further.
     */
    static final int MAX_ENTRIES = 131_072;

    /** Where the memory of images comes from. */
    @FunctionalInterface
    interface Images {
        /** @throws OutOfMemoryError there is not so much left */
        HostImage make(int width, int height);
    }

    private final long memoryLimit;
    private final Images images;
    private @Nullable Resource[] slots = new @Nullable Resource[64];
    private int count;
    private long memoryUsed;
    private int entriesUsed;

    /** @param memoryLimit bytes all images together may have */
    ResourceTable(long memoryLimit) {
        this(memoryLimit, HostImage::new);
    }

    ResourceTable(long memoryLimit, Images images) {
        this.memoryLimit = memoryLimit;
        this.images = images;
    }

    @Nullable
    Resource find(int id) {
        return slots[slotOf(id)];
    }

    /** The slot that holds {@code id}, or the free one where it belongs. */
    private int slotOf(int id) {
        int mask = slots.length - 1;
        int slot = home(id, mask);
        while (true) {
            Resource resident = slots[slot];
            if (resident == null || resident.id == id) return slot;
            slot = (slot + 1) & mask;
        }
    }

    private static int home(int id, int mask) {
        return (id * 0x9e3779b9) >>> 7 & mask;
    }

    /**
     * Makes a resource, black; returns why not if it cannot be. Sides are unsigned.
     *
     * @throws OutOfMemoryError the host has less left than the guest may have; nothing is changed
     */
    Response create(int id, int wireFormat, long width, long height) {
        PixelFormat format = PixelFormat.ofWire(wireFormat);
        if (id == 0 || find(id) != null) return Response.ERR_INVALID_RESOURCE_ID;
        if (format == null || width == 0 || height == 0) return Response.ERR_INVALID_PARAMETER;
        if (width > MAX_SIDE || height > MAX_SIDE || count == MAX_RESOURCES) return Response.ERR_OUT_OF_MEMORY;
        long charge = charge(HostImage.bytes(width, height));
        if (charge > memoryLimit - memoryUsed) return Response.ERR_OUT_OF_MEMORY;
        // What can fail comes first: a guest that is told so goes on with what it has.
        if (count + 1 > slots.length / 2) grow();
        Resource resource = new Resource(id, format, images.make((int) width, (int) height));
        memoryUsed += charge;
        count++;
        slots[slotOf(id)] = resource;
        return Response.OK_NODATA;
    }

    private static long charge(long bytes) {
        return Math.max(LEAST_CHARGE, bytes);
    }

    private void grow() {
        @Nullable
        Resource[] old = slots;
        slots = new @Nullable Resource[old.length * 2];
        for (Resource resource : old) {
            if (resource != null) slots[slotOf(resource.id)] = resource;
        }
    }

    /** Whether the pages of one more resource can be kept. */
    boolean hasRoomFor(Backing backing) {
        return backing.count() <= MAX_ENTRIES - entriesUsed;
    }

    /** Puts pages behind a resource that has none; there {@linkplain #hasRoomFor is room}. */
    void attach(Resource resource, Backing backing) {
        resource.backing = backing;
        entriesUsed += backing.count();
    }

    /** Returns what was behind a resource, which has none from now on. */
    @Nullable
    Backing detach(Resource resource) {
        Backing backing = resource.backing;
        resource.backing = null;
        if (backing != null) entriesUsed -= backing.count();
        return backing;
    }

    /** What is behind it is unmapped. */
    void remove(Resource resource) {
        detach(resource);
        int mask = slots.length - 1;
        int hole = slotOf(resource.id);
        slots[hole] = null;
        count--;
        memoryUsed -= charge(resource.imageBytes());
        resource.image.release();
        // Those that lie behind the hole and were pushed past it move up, so that lookups never meet a false end.
        for (int at = (hole + 1) & mask;; at = (at + 1) & mask) {
            Resource next = slots[at];
            if (next == null) return;
            slots[at] = null;
            slots[slotOf(next.id)] = next;
        }
    }

    void clear() {
        for (Resource resource : slots) {
            if (resource != null) resource.image.release();
        }
        slots = new @Nullable Resource[64];
        count = 0;
        memoryUsed = 0;
        entriesUsed = 0;
    }

    /** All of them, in no order. */
    List<Resource> all() {
        List<Resource> all = new ArrayList<>(count);
        for (Resource resource : slots) {
            if (resource != null) all.add(resource);
        }
        return all;
    }

    int count() {
        return count;
    }

    long memoryUsed() {
        return memoryUsed;
    }
}
