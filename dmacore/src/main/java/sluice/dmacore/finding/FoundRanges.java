package sluice.dmacore.finding;

import java.util.ArrayList;
import java.util.List;

/**
 * The ranges of one finding in a buffer, ordered; adjacent ranges are merged. Bounded: beyond {@link #MOST} they are
 * only counted.
 */
final class FoundRanges {
    /** Limit of ranges. */
    static final int MOST = 16;

    private final List<Findings.Range> ranges = new ArrayList<>(1);
    private long beyond;

    void add(long from, long length) {
        if (length <= 0) return;
        long begin = from;
        long end = from > Long.MAX_VALUE - length ? Long.MAX_VALUE : from + length;
        int first = 0;
        while (first < ranges.size() && ranges.get(first).end() < begin)
            first++;
        int last = first;
        while (last < ranges.size() && ranges.get(last).from() <= end) {
            begin = Math.min(begin, ranges.get(last).from());
            end = Math.max(end, ranges.get(last).end());
            last++;
        }
        if (last == first && ranges.size() == MOST) {
            beyond++;
            return;
        }
        ranges.subList(first, last).clear();
        ranges.add(first, new Findings.Range(begin, end - begin));
    }

    List<Findings.Range> kept() {
        return List.copyOf(ranges);
    }

    /** Number of ranges beyond the limit. */
    long beyond() {
        return beyond;
    }
}
