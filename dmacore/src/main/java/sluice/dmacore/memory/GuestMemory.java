package sluice.dmacore.memory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

import sluice.iommu.RangeMap;

/**
 * One generation of a VM's memory table: immutable, counted, and holding every file it names.
 *
 * <p>A change of the table makes a new generation; whoever resolved addresses in an old one keeps that one alive until
 * it is done.
 */
public final class GuestMemory {
    /** In which of the two numberings of a memory table an address is given. */
    public enum Addressing {
        /** Guest-physical addresses: buffers. */
        GUEST,
        /** Addresses of the front-end's own mapping: rings of vhost-user without an IOMMU. */
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
     * A generation of these regions. It retains their mappings; the caller's own references stay the caller's.
     *
     * @throws IllegalArgumentException if two regions overlap, in guest or in user addresses
     */
    public static GuestMemory of(Collection<MemoryRegion> regions) {
        return new GuestMemory(regions);
    }

    /**
     * A generation that has no addresses and keeps these files mapped: for memory whose addresses are in a table of their
     * own. It retains the mappings; the caller's own references stay the caller's.
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
     * @return false if a byte of the range is not guest memory; {@code target} is then as it was
     */
    public boolean resolve(long address, long length, Addressing addressing, Runs target) {
        // Memory that ends at 2^64 does not go on at 0.
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
     * Appends the runs behind a list of ranges, as {@link #resolve} does for each. A list may have thousands, most of them
     * in the region of the one before.
     *
     * @param ranges pairs of an address and a length, of which the lower 32 bits count
     * @return -1 if all were resolved, else where in {@code ranges} the first pair stands that is not guest memory; {@code
     *         target} is then as it was
     */
    int resolveAll(long[] ranges, Addressing addressing, Runs target) {
        int mark = target.count();
        long markBytes = target.bytes();
        int next = 0;
        while (next < ranges.length) {
            MemoryRegion region = map(addressing).at(ranges[next]);
            int after = region == null ? next : resolveWithin(region, ranges, next, addressing, target);
            if (after == next) {
                // It passes the region's end, or begins in none.
                if (!resolve(ranges[next], length(ranges, next), addressing, target)) {
                    target.cutBack(mark, markBytes);
                    return next;
                }
                after = next + 2;
            }
            next = after;
        }
        return -1;
    }

    /** Appends the ranges from {@code first} on that lie in {@code region}; returns where the first lies that does not. */
    private static int resolveWithin(MemoryRegion region, long[] ranges, int first, Addressing addressing,
            Runs target) {
        FileMapping mapping = region.mapping();
        long fileOffset = region.fileOffset();
        long start = start(region, addressing);
        long size = region.size();
        int next = first;
        for (; next < ranges.length; next += 2) {
            long into = ranges[next] - start;
            long length = length(ranges, next);
            if (into < 0 || length > size - into) break;
            if (length > 0) target.add(mapping, fileOffset + into, length);
        }
        return next;
    }

    private static long length(long[] ranges, int at) {
        return Integer.toUnsignedLong((int) ranges[at + 1]);
    }

    private static long start(MemoryRegion region, Addressing addressing) {
        return addressing == Addressing.GUEST ? region.guest().first() : region.userAddress();
    }

    /** @throws IllegalStateException if the last holder has already gone */
    public GuestMemory retain() {
        // Not counted up when it is gone: a release to match would give the files back a second time.
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
