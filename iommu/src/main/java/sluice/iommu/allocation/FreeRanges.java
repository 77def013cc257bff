package sluice.iommu.allocation;

import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;

/** The free ranges of a space, indexed by address and by size. */
final class FreeRanges {
    /**
     * Limit of long enough ranges tried that may not fit because of alignment; then one is used that fits in any case.
     */
    private static final int TRIES = 16;

    private final TreeMap<Long, AddressRange> byAddress = new TreeMap<>(Long::compareUnsigned);
    private final TreeSet<AddressRange> bySize = new TreeSet<>(FreeRanges::compareSizes);

    /** By size, then by address. */
    private static int compareSizes(AddressRange a, AddressRange b) {
        int order = Long.compareUnsigned(span(a), span(b));
        return order != 0 ? order : Long.compareUnsigned(a.first(), b.first());
    }

    /** Size less one, because 2^64 does not fit into a long. */
    private static long span(AddressRange range) {
        return range.last() - range.first();
    }

    private void insert(AddressRange range) {
        byAddress.put(range.first(), range);
        bySize.add(range);
    }

    private void remove(AddressRange range) {
        byAddress.remove(range.first());
        bySize.remove(range);
    }

    /** Frees a range and merges it with adjacent free ranges. */
    void add(AddressRange range) {
        long first = range.first();
        long last = range.last();
        Map.Entry<Long, AddressRange> below = byAddress.lowerEntry(first);
        if (below != null && below.getValue().last() + 1 == first) {
            remove(below.getValue());
            first = below.getValue().first();
        }
        Map.Entry<Long, AddressRange> above = byAddress.higherEntry(last);
        if (above != null && above.getKey() - 1 == last) {
            remove(above.getValue());
            last = above.getValue().last();
        }
        insert(new AddressRange(first, last));
    }

    /** Removes a range, as far as it is free. */
    void take(AddressRange range) {
        Map.Entry<Long, AddressRange> entry = byAddress.floorEntry(range.last());
        while (entry != null && entry.getValue().overlaps(range)) {
            AddressRange free = entry.getValue();
            remove(free);
            if (Long.compareUnsigned(free.first(), range.first()) < 0)
                insert(new AddressRange(free.first(), range.first() - 1));
            if (Long.compareUnsigned(range.last(), free.last()) < 0)
                insert(new AddressRange(range.last() + 1, free.last()));
            entry = byAddress.lowerEntry(free.first());
        }
    }

    /**
     * Finds a free range, without allocating it; null if there is none.
     *
     * @param length in bytes, at least 1
     * @param alignment of the first byte, a power of two
     * @param boundary a power of two, not below {@code length}, that the range does not cross; 0 for none
     */
    @Nullable
    AddressRange find(long length, long alignment, long boundary) {
        AddressRange shortest = new AddressRange(0, length - 1);
        int tries = 0;
        for (AddressRange free : bySize.tailSet(shortest)) {
            AddressRange fit = fit(free, length, alignment, boundary);
            if (fit != null) return fit;
            if (++tries == TRIES) break;
        }
        if (tries < TRIES) return null;
        long slack = alignment - 1 + (boundary == 0 ? 0 : length - 1);
        long enough = length - 1 + slack;
        if (Long.compareUnsigned(enough, slack) < 0) return null;
        AddressRange ample = bySize.ceiling(new AddressRange(0, enough));
        return ample == null ? null : fit(ample, length, alignment, boundary);
    }

    private static @Nullable AddressRange fit(AddressRange free, long length, long alignment, long boundary) {
        long first = free.first() + (-free.first() & (alignment - 1));
        if (boundary != 0 && ((first ^ (first + length - 1)) & -boundary) != 0) {
            first += -first & (boundary - 1);
        }
        long last = first + length - 1;
        boolean wrapped = Long.compareUnsigned(first, free.first()) < 0 || Long.compareUnsigned(last, first) < 0;
        return wrapped || Long.compareUnsigned(last, free.last()) > 0 ? null : new AddressRange(first, last);
    }
}
