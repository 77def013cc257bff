package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;

import static sluice.dmacore.budget.Resource.HEAP;
import static sluice.dmacore.budget.Resource.HOST_MEMORY;
import static sluice.dmacore.budget.Resource.MAPPINGS;

/**
 * The guest's resources by id, with their common limits: host memory for images, and heap for lists of pages. Both are
 * also charged to the device's share. An open-addressed table, because a map of boxed numbers would allocate on every
 * command.
 */
final class ResourceTable {
    /** Minimum charge of a resource, for its bookkeeping. */
    private static final long LEAST_CHARGE = 4096;
    /** Limit of width and height; displays do not support more. */
    static final int MAX_SIDE = 16_384;
    /** Limit of resources: one with backing uses about 2.5 KB of heap. */
    static final int MAX_RESOURCES = 16_384;
    /**
     * Entries of all backings together: sixteen screens of 4K in single pages. An entry is 40 bytes of the heap, or about 250 if
     * it is not of whole pages, which {@link BackingSpace} limits further.
     */
    static final int MAX_ENTRIES = 131_072;

    /** A resource without pages, on the heap, and its entry among exported objects. */
    private static final long RESOURCE_BYTES = 768;

    /** The allocator of images. */
    @FunctionalInterface
    interface Images {
        /** @throws OutOfMemoryError memory is exhausted */
        HostImage make(int width, int height);
    }

    private final long memoryLimit;
    private final Share share;
    /** Whether the pages of a resource have shadows, which use the same amount of host memory. */
    private final boolean shadowed;
    private final Images images;
    private @Nullable Resource[] slots = new @Nullable Resource[64];
    private int count;
    private long memoryUsed;
    private int entriesUsed;

    ResourceTable(long memoryLimit, Share share, boolean shadowed) {
        this(memoryLimit, share, shadowed, HostImage::new);
    }

    /**
     * @param memoryLimit limit of host memory in bytes for images, and for the shadows of their pages
     * @param share of the process, charged for all of it
     * @param shadowed whether the pages have shadows, because the device does not snoop
     */
    ResourceTable(long memoryLimit, Share share, boolean shadowed, Images images) {
        this.memoryLimit = memoryLimit;
        this.share = share;
        this.shadowed = shadowed;
        this.images = images;
    }

    @Nullable
    Resource find(int id) {
        return slots[slotOf(id)];
    }

    /** The slot of {@code id}, or the free slot for it. */
    private int slotOf(int id) {
        int mask = slots.length - 1;
        int slot = home(id, mask);
        while (true) {
            Resource resident = slots[slot];
            if (resident == null || resident.id() == id) return slot;
            slot = (slot + 1) & mask;
        }
    }

    private static int home(int id, int mask) {
        return (id * 0x9e3779b9) >>> 7 & mask;
    }

    /**
     * Creates a black resource; returns an error or null. Width and height are unsigned.
     *
     * @throws OutOfMemoryError host memory is exhausted within the guest's limit; nothing is changed
     */
    Response create(int id, int wireFormat, long width, long height) {
        PixelFormat format = PixelFormat.ofWire(wireFormat);
        if (!isFree(id)) return Response.ERR_INVALID_RESOURCE_ID;
        if (format == null || width == 0 || height == 0) return Response.ERR_INVALID_PARAMETER;
        if (width > MAX_SIDE || height > MAX_SIDE || count == MAX_RESOURCES) return Response.ERR_OUT_OF_MEMORY;
        long bytes = HostImage.bytes(width, height);
        // Steps that can fail come first, so that an error changes nothing.
        if (count + 1 > slots.length / 2) grow();
        if (!takeImage(bytes)) return Response.ERR_OUT_OF_MEMORY;
        put(made(id, format, (int) width, (int) height));
        return Response.OK_NODATA;
    }

    /** Whether the limit permits one more resource. */
    boolean hasRoom() {
        return count < MAX_RESOURCES;
    }

    /** Whether an id is valid and free. */
    boolean isFree(int id) {
        return id != 0 && find(id) == null;
    }

    /** Adds a resource without host memory, with a free id; false, with nothing changed, if the limit is reached. */
    boolean add(Blob blob) {
        if (count == MAX_RESOURCES) return false;
        if (count + 1 > slots.length / 2) grow();
        if (!take(0, RESOURCE_BYTES)) return false;
        put(blob);
        return true;
    }

    private void put(Resource resource) {
        count++;
        slots[slotOf(resource.id())] = resource;
    }

    /** Creates a charged resource; the charge is returned if allocation fails. */
    private HostCopy made(int id, PixelFormat format, int width, int height) {
        boolean done = false;
        try {
            HostCopy resource = new HostCopy(id, format, images.make(width, height));
            done = true;
            return resource;
        } finally {
            if (!done) giveBackImage(HostImage.bytes(width, height));
        }
    }

    private boolean takeImage(long bytes) {
        if (!share.takeOrTell(MAPPINGS, HostImage.mappings(bytes))) return false;
        if (take(charge(bytes), RESOURCE_BYTES)) return true;
        share.giveBack(MAPPINGS, HostImage.mappings(bytes));
        return false;
    }

    private void giveBackImage(long bytes) {
        giveBack(charge(bytes), RESOURCE_BYTES);
        share.giveBack(MAPPINGS, HostImage.mappings(bytes));
    }

    /** Charges host memory and heap; false, with nothing charged, if either is used up. */
    private boolean take(long memory, long heap) {
        if (memory > memoryLimit - memoryUsed) return false;
        if (!share.takeOrTell(HOST_MEMORY, memory)) return false;
        if (!share.takeOrTell(HEAP, heap)) {
            share.giveBack(HOST_MEMORY, memory);
            return false;
        }
        memoryUsed += memory;
        return true;
    }

    private void giveBack(long memory, long heap) {
        memoryUsed -= memory;
        share.giveBack(HOST_MEMORY, memory);
        share.giveBack(HEAP, heap);
    }

    private static long charge(long bytes) {
        return Math.max(LEAST_CHARGE, bytes);
    }

    private void grow() {
        @Nullable
        Resource[] old = slots;
        slots = new @Nullable Resource[old.length * 2];
        for (Resource resource : old) {
            if (resource != null) slots[slotOf(resource.id())] = resource;
        }
    }

    /**
     * Charges the pages of one more resource, until they are {@linkplain #detach detached} or {@linkplain #cancel
     * cancelled}; false if the limit is reached.
     */
    boolean reserve(Backing backing) {
        if (backing.count() > MAX_ENTRIES - entriesUsed) return false;
        if (!take(shadowBytes(backing), backing.heapBytes())) return false;
        entriesUsed += backing.count();
        return true;
    }

    /** Returns the charge of pages that are not attached after all. */
    void cancel(Backing backing) {
        entriesUsed -= backing.count();
        giveBack(shadowBytes(backing), backing.heapBytes());
    }

    private long shadowBytes(Backing backing) {
        return shadowed ? backing.bytes() : 0;
    }

    /** Detaches and returns the backing of a resource. */
    @Nullable
    Backing detach(Resource resource) {
        Backing backing = resource.backing();
        resource.setBacking(null);
        if (backing != null) cancel(backing);
        return backing;
    }

    /** Its backing is unmapped. */
    void remove(Resource resource) {
        detach(resource);
        int mask = slots.length - 1;
        int hole = slotOf(resource.id());
        slots[hole] = null;
        count--;
        release(resource);
        // Entries displaced past the hole move up, so that lookups do not stop at it.
        for (int at = (hole + 1) & mask;; at = (at + 1) & mask) {
            Resource next = slots[at];
            if (next == null) return;
            slots[at] = null;
            slots[slotOf(next.id())] = next;
        }
    }

    private void release(Resource resource) {
        switch (resource) {
            case HostCopy copy -> {
                giveBackImage(copy.imageBytes());
                copy.image().release();
            }
            case Blob blob -> giveBack(0, RESOURCE_BYTES);
        }
    }

    /** Their backings are unmapped. */
    void clear() {
        for (Resource resource : slots) {
            if (resource == null) continue;
            detach(resource);
            release(resource);
        }
        slots = new @Nullable Resource[64];
        count = 0;
    }

    /** All resources, in unspecified order. */
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
