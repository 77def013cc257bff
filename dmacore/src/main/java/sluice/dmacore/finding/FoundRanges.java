package sluice.dmacore.finding;

import java.util.ArrayList;
import java.util.List;

/**
 * The ranges of a buffer about which the same finding was made at the same place: those that touch are one, in the order of their
 * bytes. Bounded: beyond {@link #MOST} they are counted.
 */
final class FoundRanges {
    /** Ranges that are kept. */
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

    /** Times that a range was added for which there was no room. */
    long beyond() {
        return beyond;
    }
}
