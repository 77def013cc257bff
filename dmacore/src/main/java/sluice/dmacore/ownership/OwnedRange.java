package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.List;

/**
 * A range of a buffer with its owner.
 *
 * @param from its first byte
 * @param end its end, exclusive
 * @param owner the device that owns it, the first of several; empty for the CPU
 * @param others further devices that own it, too
 * @param writes whether one of them may write
 */
public record OwnedRange(long from, long end, String owner, int others, boolean writes) {
    /** Those at the front of a buffer; the group of {@code lines} is locked. */
    static List<OwnedRange> of(Lines lines, int most) {
        List<OwnedRange> all = new ArrayList<>();
        if (lines.count() == 0) return all;
        Walk walk = lines.walk().look(0, lines.count());
        while (walk.next()) {
            OwnedRange next = of(lines, walk);
            OwnedRange last = all.isEmpty() ? null : all.getLast();
            if (last != null && last.isLike(next)) {
                all.set(all.size() - 1, new OwnedRange(last.from, next.end, last.owner, last.others, last.writes));
            } else if (all.size() == most) {
                return all;
            } else {
                all.add(next);
            }
        }
        return all;
    }

    private static OwnedRange of(Lines lines, Walk walk) {
        Region region = walk.region();
        int interval = walk.interval();
        long writers = region.writers(interval);
        long owners = region.readers(interval) | writers;
        return new OwnedRange(lines.position(walk.first()), lines.endPosition(walk.end() - 1),
                owners == 0 ? "" : region.holder(interval, owners).device(), Math.max(0, Long.bitCount(owners) - 1),
                writers != 0);
    }

    private boolean isLike(OwnedRange other) {
        return other.from == end && other.owner.equals(owner) && other.others == others && other.writes == writes;
    }
}
