package sluice.iommu.allocation;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

import sluice.iommu.AddressRange;

/**
 * Freed ranges that are not reused for a while, first in, first out: a late access then faults instead of hitting
 * another mapping.
 */
final class Quarantine {
    private record Piece(AddressRange range, long ticket) {}

    private final long capacityBytes;
    private final FreeRanges free;
    /** The withheld ranges, as disjoint pieces. */
    private final TreeMap<Long, Piece> pieces = new TreeMap<>(Long::compareUnsigned);
    /** Ranges in order of arrival; parts of them may have been removed since. */
    private final ArrayDeque<Piece> order = new ArrayDeque<>();
    private long tickets;
    private long bytes;

    /** @param capacityBytes limit of withheld bytes; a longer range is freed at once */
    Quarantine(long capacityBytes, FreeRanges free) {
        this.capacityBytes = capacityBytes;
        this.free = free;
    }

    void add(AddressRange range) {
        if (Long.compareUnsigned(range.last() - range.first(), capacityBytes) >= 0) {
            free.add(range);
            return;
        }
        while (range.size() > capacityBytes - bytes)
            releaseOldest();
        Piece piece = new Piece(range, tickets++);
        pieces.put(range.first(), piece);
        order.addLast(piece);
        bytes += range.size();
    }

    private void releaseOldest() {
        Piece oldest = order.removeFirst();
        bytes -= oldest.range().size();
        Map.Entry<Long, Piece> entry = pieces.ceilingEntry(oldest.range().first());
        while (entry != null && oldest.range().contains(entry.getKey())) {
            Piece piece = entry.getValue();
            if (piece.ticket() == oldest.ticket()) {
                pieces.remove(piece.range().first());
                free.add(piece.range());
            }
            entry = pieces.higherEntry(piece.range().first());
        }
    }

    /** Frees everything. */
    void release() {
        while (!order.isEmpty())
            releaseOldest();
    }

    /** Removes a range, as far as it is withheld, because it was allocated explicitly. */
    void take(AddressRange range) {
        Map.Entry<Long, Piece> entry = pieces.floorEntry(range.last());
        while (entry != null && entry.getValue().range().overlaps(range)) {
            AddressRange held = entry.getValue().range();
            long ticket = entry.getValue().ticket();
            pieces.remove(held.first());
            if (Long.compareUnsigned(held.first(), range.first()) < 0) {
                pieces.put(held.first(), new Piece(new AddressRange(held.first(), range.first() - 1), ticket));
            }
            if (Long.compareUnsigned(range.last(), held.last()) < 0) {
                pieces.put(range.last() + 1, new Piece(new AddressRange(range.last() + 1, held.last()), ticket));
            }
            entry = pieces.lowerEntry(held.first());
        }
    }

    boolean isEmpty() {
        return order.isEmpty();
    }
}
