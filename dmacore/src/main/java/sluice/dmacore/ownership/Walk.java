package sluice.dmacore.ownership;

import java.util.Objects;

/**
 * Iterates over a stretch of a buffer's lines, by interval. Each {@link Lines} has one, guarded by its group, so that
 * none is allocated.
 *
 * <pre>
 * Walk walk = lines.walk().look(first, end);   // or change(first, end), or transfer(from, to)
 * while (walk.next()) ... walk.region().cpu(walk.interval()), walk.first(), walk.end()
 * </pre>
 *
 * <p>A walk that changes intervals must run to its end, where equal adjacent intervals are merged.
 */
final class Walk {
    private final Lines lines;
    private final Tally tally = new Tally();
    /** Positions of its bytes. */
    private long from;
    private long to;
    private int begin;
    private int stop;
    private boolean splits;
    private boolean cutFirst;
    private boolean cutLast;

    /** Its lines in the current region. */
    private int line;
    private int until;
    private Region region = Region.NONE;
    /** Buffer line minus region line. */
    private int shift;
    private int firstInterval;
    private int endInterval;
    private int interval;
    /** When the last cache operation on its lines ended. */
    private long operated;

    Walk(Lines lines) {
        this.lines = lines;
    }

    /**
     * Begins a read-only walk over lines {@code first} to {@code endLine} − 1.
     *
     * @throws IndexOutOfBoundsException if the buffer does not have all of them
     */
    Walk look(int first, int endLine) {
        Objects.checkFromToIndex(first, endLine, lines.count());
        begin = first;
        stop = endLine;
        splits = false;
        cutFirst = false;
        cutLast = false;
        until = first;
        interval = 0;
        firstInterval = 0;
        endInterval = 0;
        return this;
    }

    /** Begins a walk that changes them: intervals are split at the ends of the stretch. */
    Walk change(int first, int endLine) {
        look(first, endLine);
        splits = true;
        return this;
    }

    /**
     * Begins a walk that changes the lines of the bytes {@code from} to {@code to} − 1, at least one. Partial lines are
     * intervals of their own.
     */
    Walk transfer(long firstByte, long endByte) {
        change(lines.lineAt(firstByte), lines.lineAt(endByte - 1) + 1);
        from = firstByte;
        to = endByte;
        cutFirst = lines.cutsFirst(firstByte);
        cutLast = lines.cutsLast(endByte);
        return this;
    }

    /** Advances to the next interval; false if there is none. */
    boolean next() {
        interval++;
        if (interval < endInterval) return true;
        if (splits && endInterval > 0) region.coalesce(firstInterval, endInterval);
        if (until >= stop) return false;
        enterRegion();
        return true;
    }

    private void enterRegion() {
        line = until;
        int piece = lines.pieceAt(line);
        region = lines.region(piece);
        until = Math.min(stop, lines.pieceStart(piece + 1));
        shift = lines.pieceStart(piece) - lines.pieceOffset(piece);
        if (splits) {
            if (cutFirst && line == begin) region.split(line + 1 - shift);
            if (cutLast && until == stop) region.split(until - 1 - shift);
            firstInterval = region.split(line - shift);
            endInterval = region.split(until - shift);
        } else {
            firstInterval = region.at(line - shift);
            endInterval = region.at(until - 1 - shift) + 1;
        }
        interval = firstInterval;
    }

    /**
     * A cache operation on its lines is over.
     *
     * @param began {@link System#nanoTime} at its begin
     * @return its duration in nanoseconds
     */
    long operate(long began) {
        operated = System.nanoTime();
        return operated - began;
    }

    /** {@link System#nanoTime} at the end of the last operation; of an earlier walk if this one had none. */
    long operated() {
        return operated;
    }

    Lines lines() {
        return lines;
    }

    Tally tally() {
        return tally;
    }

    /** The first byte of a transfer. */
    long from() {
        return from;
    }

    /** The end of a transfer, exclusive. */
    long to() {
        return to;
    }

    /** The first of all lines. */
    int firstOfAll() {
        return begin;
    }

    /** The end of all lines, exclusive. */
    int endOfAll() {
        return stop;
    }

    /** The region of the interval. */
    Region region() {
        return region;
    }

    /** The current interval: its index in the region. */
    int interval() {
        return interval;
    }

    /** The first buffer line of the interval within the walk. */
    int first() {
        return Math.max(line, region.start(interval) + shift);
    }

    /** The end of these lines, exclusive. */
    int end() {
        return Math.min(until, region.start(interval + 1) + shift);
    }

    /** Bytes of these lines. */
    long bytes() {
        return (long) (end() - first()) * Lines.LINE;
    }

    /** Whether the transfer has only a part of the interval, which is then one line: others may own the rest. */
    boolean isCut() {
        return (cutFirst && first() == begin) || (cutLast && end() == stop);
    }
}
