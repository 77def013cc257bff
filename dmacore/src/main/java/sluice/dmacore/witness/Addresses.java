package sluice.dmacore.witness;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.ownership.Direction;

/** The mappings of a device, by address, and which of them a call with an address means. Not thread-safe. */
final class Addresses {
    private final NavigableMap<Long, Stretch> stretches = new TreeMap<>();
    private long longest;

    void add(KernelMapping mapping) {
        long from = 0;
        for (int entry = 0; entry < mapping.entries(); entry++) {
            Stretch stretch = new Stretch(mapping, mapping.address(entry), mapping.length(entry), from);
            stretch.below = stretches.put(stretch.address(), stretch);
            longest = Math.max(longest, mapping.length(entry));
            from += mapping.length(entry);
        }
    }

    void remove(KernelMapping mapping) {
        for (int entry = 0; entry < mapping.entries(); entry++) {
            long address = mapping.address(entry);
            Stretch above = null;
            for (Stretch at = stretches.get(address); at != null; at = at.below) {
                if (at.owner() == mapping) {
                    take(address, above, at);
                    break;
                }
                above = at;
            }
        }
        if (stretches.isEmpty()) longest = 0;
    }

    private void take(long address, @Nullable Stretch above, Stretch gone) {
        if (above != null) {
            above.below = gone.below;
        } else if (gone.below != null) {
            stretches.put(address, gone.below);
        } else {
            stretches.remove(address);
        }
    }

    /** The latest mapping that begins at an address, or null. */
    @Nullable
    Stretch beginning(long address) {
        return stretches.get(address);
    }

    /** The latest mapping that contains an address, or null. */
    @Nullable
    Stretch find(long address) {
        for (Map.Entry<Long, Stretch> before = stretches.floorEntry(address); before != null; before = stretches
                .lowerEntry(before.getKey())) {
            for (Stretch at = before.getValue(); at != null; at = at.below) {
                if (address < at.end()) return at;
            }
            if (before.getKey() + longest <= address) return null;
        }
        return null;
    }

    /**
     * The streaming mapping that an unmap means: the latest with this address, size and direction, otherwise the latest with this address.
     * Null if there is none.
     *
     * @param length of the first entry
     * @param bytes of all entries
     */
    @Nullable
    KernelMapping unmapped(long address, long length, long bytes, Direction direction) {
        KernelMapping second = null;
        for (Stretch at = beginning(address); at != null; at = at.below) {
            KernelMapping owner = at.owner();
            DeviceMapping mapping = owner.mapping();
            if (!owner.isStreaming() || owner.address(0) != address) continue;
            boolean exact = mapping == null
                    ? owner.length(0) == length
                    : owner.bytes() == bytes && mapping.direction() == direction;
            if (exact) return owner;
            if (second == null) second = owner;
        }
        return second;
    }

    /**
     * What a sync means: memory may be mapped several times, a page even twice in one list, so what holds all of the range comes first
     * (kernel/dma/debug.c: bucket_find_contain), and then what was mapped in the sync's direction. Null if nothing is mapped there.
     */
    @Nullable
    Stretch synced(long address, long length, Direction direction) {
        Stretch best = find(address);
        int most = 0;
        for (Stretch at = best; at != null; at = at.below) {
            DeviceMapping mapping = at.owner().mapping();
            if (address >= at.end() || mapping == null) continue;
            int fit = (length <= at.end() - address ? 2 : 0) + (mapping.direction().covers(direction) ? 1 : 0);
            if (fit > most) {
                best = at;
                most = fit;
            }
        }
        return best;
    }

    /** The beginning of the first range after an address, at most {@code end}. */
    long nextBegin(long address, long end) {
        Map.Entry<Long, Stretch> next = stretches.higherEntry(address);
        return next == null ? end : Math.min(end, next.getKey());
    }
}
