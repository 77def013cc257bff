package sluice.dmacore.witness;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

/** The mappings of a device, by address. Not thread-safe. */
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

    /** The beginning of the first range after an address, at most {@code end}. */
    long nextBegin(long address, long end) {
        Map.Entry<Long, Stretch> next = stretches.higherEntry(address);
        return next == null ? end : Math.min(end, next.getKey());
    }
}
