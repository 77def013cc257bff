package sluice.iommu;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * An immutable map from disjoint ranges to values, for a few large extents, such as the memory regions of a VM. A
 * lookup is a binary search and allocates nothing.
 *
 * @param <V> the value of a range
 */
public final class RangeMap<V> {
    private final AddressRange[] ranges;
    private final List<V> values;

    private RangeMap(AddressRange[] ranges, List<V> values) {
        this.ranges = ranges;
        this.values = values;
    }

    public static <V> RangeMap<V> empty() {
        return new RangeMap<>(new AddressRange[0], List.of());
    }

    /**
     * Builds the map of all {@code values}, each at its range.
     *
     * @throws IllegalArgumentException if two ranges overlap; the message names both
     */
    public static <V> RangeMap<V> of(Collection<? extends V> values, Function<? super V, AddressRange> rangeOf) {
        List<Map.Entry<AddressRange, V>> entries = new ArrayList<>(values.size());
        for (V value : values) entries.add(Map.entry(rangeOf.apply(value), value));
        entries.sort((a, b) -> Long.compareUnsigned(a.getKey().first(), b.getKey().first()));
        AddressRange[] ranges = new AddressRange[entries.size()];
        List<V> sorted = new ArrayList<>(entries.size());
        for (int i = 0; i < ranges.length; i++) {
            ranges[i] = entries.get(i).getKey();
            sorted.add(entries.get(i).getValue());
            if (i > 0 && ranges[i].overlaps(ranges[i - 1])) {
                throw new IllegalArgumentException("ranges %s and %s overlap".formatted(ranges[i - 1], ranges[i]));
            }
        }
        return new RangeMap<>(ranges, List.copyOf(sorted));
    }

    /** The value whose range contains {@code address}, or null. */
    public @Nullable V at(long address) {
        int index = indexOf(address);
        return index < 0 ? null : values.get(index);
    }

    private int indexOf(long address) {
        int low = 0;
        int high = ranges.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            AddressRange range = ranges[middle];
            if (Long.compareUnsigned(address, range.first()) < 0) {
                high = middle - 1;
            } else if (Long.compareUnsigned(address, range.last()) > 0) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        return -1;
    }

    /** The values in address order. */
    public List<V> values() {
        return values;
    }

    public int size() {
        return ranges.length;
    }
}
