package sluice.iommu.space;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.Permission;

/** The entries of a cache, by address and by age. They are disjoint. */
final class HeldEntries {
    /** One entry; a link of the chain from the oldest to the newest. */
    static final class Held {
        final AddressRange range;
        final long target;
        final Permission permission;
        private @Nullable Held older;
        private @Nullable Held newer;

        Held(AddressRange range, long target, Permission permission) {
            this.range = range;
            this.target = target;
            this.permission = permission;
        }

        /** Target minus address: equal for entries of one contiguous run. */
        long distance() {
            return target - range.first();
        }

        /** The part of this entry in {@code part}, with {@code partPermission}. */
        Held part(AddressRange part, Permission partPermission) {
            return new Held(part, target + (part.first() - range.first()), partPermission);
        }
    }

    private final TreeMap<Long, Held> byAddress = new TreeMap<>();
    private @Nullable Held oldest;
    private @Nullable Held newest;

    int size() {
        return byAddress.size();
    }

    void add(Held held) {
        byAddress.put(held.range.first(), held);
        held.older = newest;
        if (newest == null) {
            oldest = held;
        } else {
            newest.newer = held;
        }
        newest = held;
    }

    void remove(Held held) {
        byAddress.remove(held.range.first());
        Held older = held.older;
        Held newer = held.newer;
        if (older == null) {
            oldest = newer;
        } else {
            older.newer = newer;
        }
        if (newer == null) {
            newest = older;
        } else {
            newer.older = older;
        }
        held.older = null;
        held.newer = null;
    }

    void clear() {
        byAddress.clear();
        oldest = null;
        newest = null;
    }

    @Nullable
    Held oldest() {
        return oldest;
    }

    /** All entries that overlap {@code range}, in address order. */
    List<Held> overlapping(AddressRange range) {
        List<Held> found = new ArrayList<>();
        // Addresses are below 2^57; a requested range may exceed that.
        if (range.first() < 0) return List.of();
        Map.Entry<Long, Held> entry = byAddress.floorEntry(range.first());
        if (entry == null || !entry.getValue().range.overlaps(range)) entry = byAddress.higherEntry(range.first());
        while (entry != null && entry.getValue().range.overlaps(range)) {
            found.add(entry.getValue());
            entry = byAddress.higherEntry(entry.getKey());
        }
        return found;
    }

    /** The largest range around {@code empty} without entries. */
    AddressRange gapAround(AddressRange empty) {
        Map.Entry<Long, Held> below = byAddress.floorEntry(empty.first());
        Map.Entry<Long, Held> above = byAddress.higherEntry(empty.last());
        return new AddressRange(below == null ? 0 : below.getValue().range.last() + 1,
                above == null ? -1 : above.getKey() - 1);
    }
}
