package sluice.iommu.space;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;

/** The mappings of a space in address order. Guarded by the space's lock. */
final class MappingIndex {
    private final TreeMap<Long, Mapping> byAddress = new TreeMap<>(Long::compareUnsigned);
    private long bytes;

    int size() {
        return byAddress.size();
    }

    /** Bytes in all mappings. */
    long bytes() {
        return bytes;
    }

    Collection<Mapping> all() {
        return byAddress.values();
    }

    void add(Mapping mapping) {
        byAddress.put(mapping.iova(), mapping);
        bytes += mapping.length();
    }

    void remove(Mapping mapping) {
        byAddress.remove(mapping.iova());
        bytes -= mapping.length();
    }

    boolean contains(Mapping mapping) {
        return byAddress.get(mapping.iova()) == mapping;
    }

    /** The mapping that begins at or below {@code iova}, or null. */
    @Nullable
    Mapping below(long iova) {
        Map.Entry<Long, Mapping> entry = byAddress.floorEntry(iova);
        return entry == null ? null : entry.getValue();
    }

    /** The mapping that begins above {@code iova}, or null. */
    @Nullable
    Mapping above(long iova) {
        Map.Entry<Long, Mapping> entry = byAddress.higherEntry(iova);
        return entry == null ? null : entry.getValue();
    }

    /** The mapping that contains {@code iova}, or null. */
    @Nullable
    Mapping at(long iova) {
        Mapping below = below(iova);
        return below != null && below.range().contains(iova) ? below : null;
    }

    /** A mapping that overlaps {@code range}, or null. */
    @Nullable
    Mapping overlapping(AddressRange range) {
        Mapping last = below(range.last());
        return last != null && last.range().overlaps(range) ? last : null;
    }

    /** All mappings that overlap {@code range}, in address order. */
    List<Mapping> allOverlapping(AddressRange range) {
        List<Mapping> found = new ArrayList<>();
        Mapping mapping = at(range.first());
        if (mapping == null) mapping = above(range.first());
        while (mapping != null && mapping.range().overlaps(range)) {
            found.add(mapping);
            mapping = above(mapping.iova());
        }
        return found;
    }

    /** The largest range around {@code empty} without mappings. */
    AddressRange gapAround(AddressRange empty) {
        Mapping below = below(empty.first());
        Mapping above = above(empty.last());
        return new AddressRange(below == null ? 0 : below.range().last() + 1, above == null ? -1 : above.iova() - 1);
    }
}
