package sluice.dmacore.buffer;

import java.util.Map;
import java.util.TreeMap;

/** A set of bytes of a buffer, such as those that a device has written. Thread-safe. */
public final class WrittenRanges {
    private final long size;
    private final TreeMap<Long, Long> ends = new TreeMap<>();

    /** @param size of the buffer in bytes; ranges beyond it are ignored */
    public WrittenRanges(long size) {
        this.size = size;
    }

    public synchronized boolean isEmpty() {
        return ends.isEmpty();
    }

    public synchronized void add(long from, long length) {
        long start = from;
        long end = Math.min(from + length, size);
        Map.Entry<Long, Long> before = ends.floorEntry(start);
        if (before != null && before.getValue() >= start) {
            start = before.getKey();
            end = Math.max(end, before.getValue());
        }
        for (Map.Entry<Long, Long> next = ends.ceilingEntry(start); next != null
                && next.getKey() <= end; next = ends.ceilingEntry(start)) {
            end = Math.max(end, next.getValue());
            ends.remove(next.getKey());
        }
        ends.put(start, end);
    }

    /** Removes a range. */
    public synchronized void clear(long from, long length) {
        if (ends.isEmpty()) return; // a search would box its number
        long end = from + length;
        Map.Entry<Long, Long> before = ends.lowerEntry(from);
        if (before != null && before.getValue() > from) {
            ends.put(before.getKey(), from);
            if (before.getValue() > end) ends.put(end, before.getValue());
        }
        for (Map.Entry<Long, Long> next = ends.ceilingEntry(from); next != null
                && next.getKey() < end; next = ends.ceilingEntry(from)) {
            ends.remove(next.getKey());
            if (next.getValue() > end) ends.put(end, next.getValue());
        }
    }

    /** The first written byte at or after a position, or {@link Long#MAX_VALUE}. */
    public synchronized long next(long from) {
        if (ends.isEmpty()) return Long.MAX_VALUE;
        Map.Entry<Long, Long> covering = ends.floorEntry(from);
        if (covering != null && covering.getValue() > from) return from;
        Long next = ends.higherKey(from);
        return next == null ? Long.MAX_VALUE : next;
    }

    /** The first unwritten byte of a range, or −1. */
    synchronized long firstGap(long from, long length) {
        long at = from;
        long end = from + length;
        while (at < end) {
            Map.Entry<Long, Long> covering = ends.floorEntry(at);
            if (covering == null || covering.getValue() <= at) return at;
            at = covering.getValue();
        }
        return -1;
    }

    /** Number of unwritten bytes at the beginning of a gap, up to {@code end}. */
    synchronized long gapLength(long gap, long end) {
        Long next = ends.higherKey(gap);
        return (next == null ? end : Math.min(end, next)) - gap;
    }
}
