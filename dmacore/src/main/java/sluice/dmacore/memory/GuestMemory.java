package sluice.dmacore.memory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

import sluice.iommu.RangeMap;

/**
 * One generation of a VM's memory table: immutable, reference-counted, with a reference to each of its files.
 *
 * <p>A change of the table creates a new generation; users of addresses resolved in an old one keep it alive until they
 * are done.
 */
public final class GuestMemory {
    /** The two kinds of addresses in a memory table. */
    public enum Addressing {
        /** Guest-physical addresses: buffers. */
        GUEST,
        /** User addresses of the front-end: rings of vhost-user without an IOMMU. */
        USER
    }

    private static final AtomicLong NUMBERS = new AtomicLong();

    private final long number = NUMBERS.incrementAndGet();
    private final RangeMap<MemoryRegion> byGuest;
    private final RangeMap<MemoryRegion> byUser;
    private final List<FileMapping> files;
    private final AtomicInteger references = new AtomicInteger(1);

    private GuestMemory(Collection<MemoryRegion> regions, List<FileMapping> files) {
        byGuest = RangeMap.of(regions, MemoryRegion::guest);
        byUser = RangeMap.of(regions, MemoryRegion::user);
        this.files = List.copyOf(files);
        for (FileMapping file : files) file.retain();
    }

    private GuestMemory(Collection<MemoryRegion> regions) {
        this(regions, regions.stream().map(MemoryRegion::mapping).toList());
    }

    public static GuestMemory empty() {
        return new GuestMemory(List.of());
    }

    /**
     * A generation of these regions. It retains their mappings; the caller keeps its own references.
     *
     * @throws IllegalArgumentException if two regions overlap, in guest or in user addresses
     */
    public static GuestMemory of(Collection<MemoryRegion> regions) {
        return new GuestMemory(regions);
    }

    /**
     * A generation without addresses that keeps these files mapped, for memory with addresses in another table. It
     * retains the mappings; the caller keeps its own references.
     */
    public static GuestMemory holding(Collection<FileMapping> files) {
        return new GuestMemory(List.of(), List.copyOf(files));
    }

    /** Unique in this process: two generations never have the same number. */
    public long number() {
        return number;
    }

    /** The regions in order of guest address. */
    public List<MemoryRegion> regions() {
        return byGuest.values();
    }

    /** These regions and {@code region}. */
    public GuestMemory with(MemoryRegion region) {
        List<MemoryRegion> all = new ArrayList<>(regions());
        all.add(region);
        return new GuestMemory(all);
    }

    /** These regions without {@code region}. */
    public GuestMemory without(MemoryRegion region) {
        List<MemoryRegion> all = new ArrayList<>(regions());
        all.remove(region);
        return new GuestMemory(all);
    }

    /** The region that contains {@code address}, or null. */
    public @Nullable MemoryRegion regionAt(long address, Addressing addressing) {
        return map(addressing).at(address);
    }

    private RangeMap<MemoryRegion> map(Addressing addressing) {
        return addressing == Addressing.GUEST ? byGuest : byUser;
    }

    /**
     * Appends the runs behind [{@code address}, {@code address + length}) to {@code target}.
     *
     * @param length in bytes, not negative; nothing is appended for 0
     * @return false if a byte of the range is not guest memory; {@code target} is then unchanged
     */
    public boolean resolve(long address, long length, Addressing addressing, Runs target) {
        // Addresses do not wrap around at 2^64.
        if (length > 0 && Long.compareUnsigned(address + (length - 1), address) < 0)
            return false;
        int mark = target.count();
        long markBytes = target.bytes();
        long at = address;
        long left = length;
        while (left > 0) {
            MemoryRegion region = map(addressing).at(at);
            if (region == null) {
                target.cutBack(mark, markBytes);
                return false;
            }
            long into = at - start(region, addressing);
            long piece = Math.min(left, region.size() - into);
            target.add(region.mapping(), region.fileOffset() + into, piece);
            at += piece;
            left -= piece;
        }
        return true;
    }

    /**
     * Appends the runs of a list of ranges, as {@link #resolve} does for each. Lists have up to thousands of ranges,
     * most of them in the same region as the previous one.
     *
     * @return -1 if all were resolved, otherwise the index of the first range that is not guest memory; {@code target}
     *         is then unchanged
     */
    int resolveAll(BusList list, Addressing addressing, Runs target) {
        int mark = target.count();
        long markBytes = target.bytes();
        int next = 0;
        while (next < list.count()) {
            MemoryRegion region = map(addressing).at(list.address(next));
            int after = region == null ? next : resolveWithin(region, list, next, addressing, target);
            if (after == next) {
                // It crosses the end of the region, or is outside all regions.
                if (!resolve(list.address(next), list.length(next), addressing, target)) {
                    target.cutBack(mark, markBytes);
                    return next;
                }
                after = next + 1;
            }
            next = after;
        }
        return -1;
    }

    /**
     * Appends the ranges that lie in {@code region}, beginning at {@code first}; returns the index of the first that
     * does not.
     */
    private static int resolveWithin(MemoryRegion region, BusList list, int first, Addressing addressing,
            Runs target) {
        return target.addAll(region.mapping(), list, first, start(region, addressing), region.size(),
                region.fileOffset());
    }

    private static long start(MemoryRegion region, Addressing addressing) {
        return addressing == Addressing.GUEST ? region.guest().first() : region.userAddress();
    }

    /** @throws IllegalStateException if the last reference was released */
    public GuestMemory retain() {
        // A released generation is not counted up again: its next release would release the files twice.
        if (references.getAndUpdate(now -> now > 0 ? now + 1 : now) <= 0)
            throw new IllegalStateException("generation " + number + " is gone");
        return this;
    }

    public void release() {
        int left = references.decrementAndGet();
        if (left < 0)
            throw new IllegalStateException("generation " + number + " was released more often than retained");
        if (left == 0) {
            for (FileMapping file : files) file.release();
        }
    }
}
