package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;

import static sluice.dmacore.budget.Resource.HEAP;
import static sluice.dmacore.budget.Resource.HOST_MEMORY;
import static sluice.dmacore.budget.Resource.MAPPINGS;

/**
 * The guest's resources by id, and what they may use together: host memory for their images, and room for the lists of
 * pages behind them. What they use is taken from the device's share, too. An open-addressed table, because a map of boxed
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

    /** A resource without pages, on the heap. */
    private static final long RESOURCE_BYTES = 512;

    /** Where the memory of images comes from. */
    @FunctionalInterface
    interface Images {
        /** @throws OutOfMemoryError there is not so much left */
        HostImage make(int width, int height);
    }

    private final long memoryLimit;
    private final Share share;
    /** Whether memory behind caches is played for the pages of a resource: as much host memory again. */
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
     * @param memoryLimit bytes of host memory that images may have together, and the shadows of pages behind them
     * @param share of the process, from which all of it is taken
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

    /** The slot that holds {@code id}, or the free one where it belongs. */
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
     * Makes a resource, black; returns why not if it cannot be. Sides are unsigned.
     *
     * @throws OutOfMemoryError the host has less left than the guest may have; nothing is changed
     */
    Response create(int id, int wireFormat, long width, long height) {
        PixelFormat format = PixelFormat.ofWire(wireFormat);
        if (!isFree(id)) return Response.ERR_INVALID_RESOURCE_ID;
        if (format == null || width == 0 || height == 0) return Response.ERR_INVALID_PARAMETER;
        if (width > MAX_SIDE || height > MAX_SIDE || count == MAX_RESOURCES) return Response.ERR_OUT_OF_MEMORY;
        long bytes = HostImage.bytes(width, height);
        // What can fail comes first: a guest that is told so goes on with what it has.
        if (count + 1 > slots.length / 2) grow();
        if (!takeImage(bytes)) return Response.ERR_OUT_OF_MEMORY;
        put(made(id, format, (int) width, (int) height));
        return Response.OK_NODATA;
    }

    /** Whether there may be one more. */
    boolean hasRoom() {
        return count < MAX_RESOURCES;
    }

    /** Whether a guest may make a resource of this number. */
    boolean isFree(int id) {
        return id != 0 && find(id) == null;
    }

    /** Adds a resource that needs no memory of the host, of a free number; false, with nothing changed, if there is no room for it. */
    boolean add(GuestBlob blob) {
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

    /** Makes a resource for which was taken; that is given back if the host has no memory. */
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

    /** Takes host memory and bytes of the heap; false if there is too little of either, and then nothing is taken. */
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
     * Reserves what the pages of one more resource take, until they are {@linkplain #detach detached} from it or {@linkplain
     * #cancel cancelled}; false if there is too little.
     */
    boolean reserve(Backing backing) {
        if (backing.count() > MAX_ENTRIES - entriesUsed) return false;
        if (!take(shadowBytes(backing), backing.heapBytes())) return false;
        entriesUsed += backing.count();
        return true;
    }

    /** The pages that were reserved for are not attached after all. */
    void cancel(Backing backing) {
        entriesUsed -= backing.count();
        giveBack(shadowBytes(backing), backing.heapBytes());
    }

    private long shadowBytes(Backing backing) {
        return shadowed ? backing.bytes() : 0;
    }

    /** Returns what was behind a resource, which has none from now on. */
    @Nullable
    Backing detach(Resource resource) {
        Backing backing = resource.backing();
        resource.setBacking(null);
        if (backing != null) cancel(backing);
        return backing;
    }

    /** What is behind it is unmapped. */
    void remove(Resource resource) {
        detach(resource);
        int mask = slots.length - 1;
        int hole = slotOf(resource.id());
        slots[hole] = null;
        count--;
        release(resource);
        // Those that lie behind the hole and were pushed past it move up, so that lookups never meet a false end.
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
            case GuestBlob blob -> giveBack(0, RESOURCE_BYTES);
        }
    }

    /** What is behind them is unmapped. */
    void clear() {
        for (Resource resource : slots) {
            if (resource == null) continue;
            detach(resource);
            release(resource);
        }
        slots = new @Nullable Resource[64];
        count = 0;
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
