package sluice.dmacore.ownership;

import java.util.Objects;

/**
 * Goes over a stretch of a buffer's lines, interval by interval. Each {@link Lines} has one, guarded by its group, so that none
 * is allocated.
 *
 * <pre>
 * Walk walk = lines.walk().look(first, end);   // or change(first, end), or transfer(from, to)
 * while (walk.next()) ... walk.region().cpu(walk.interval()), walk.first(), walk.end()
 * </pre>
 *
 * <p>One that changes intervals goes on to its end: neighbours that are equal then are made one there.
 */
final class Walk {
    private final Lines lines;
    private final Tally tally = new Tally();
    /** Positions of the bytes that it is about. */
    private long from;
    private long to;
    private int begin;
    private int stop;
    private boolean splits;
    private boolean cutFirst;
    private boolean cutLast;

    /** The lines of the present region that it is about. */
    private int line;
    private int until;
    private Region region = Region.NONE;
    /** What to add to a line of the region for the buffer's line. */
    private int shift;
    private int firstInterval;
    private int endInterval;
    private int interval;

    Walk(Lines lines) {
        this.lines = lines;
    }

    /**
     * Begins over lines {@code first} to {@code endLine} − 1; intervals are seen as they are, and not changed.
     *
     * @throws IndexOutOfBoundsException if the buffer has not all of them: it would never come to their end
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

    /** Begins over the same lines, to change them: intervals begin and end where the stretch does. */
    Walk change(int first, int endLine) {
        look(first, endLine);
        splits = true;
        return this;
    }

    /**
     * Begins over the lines of the bytes {@code from} to {@code to} − 1, not none, to change them. Lines that the range has a part of
     * are intervals of their own.
     */
    Walk transfer(long firstByte, long endByte) {
        change(lines.lineAt(firstByte), lines.lineAt(endByte - 1) + 1);
        from = firstByte;
        to = endByte;
        cutFirst = lines.cutsFirst(firstByte);
        cutLast = lines.cutsLast(endByte);
        return this;
    }

    /** Goes on to the next interval; false if there is none. */
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

    /** The byte behind its last. */
    long to() {
        return to;
    }

    /** The first of all lines. */
    int firstOfAll() {
        return begin;
    }

    /** The line behind the last of all. */
    int endOfAll() {
        return stop;
    }

    /** The region that the interval is in. */
    Region region() {
        return region;
    }

    /** The present interval: its number in the region. */
    int interval() {
        return interval;
    }

    /** The buffer's first line in the interval, as far as the walk goes over it. */
    int first() {
        return Math.max(line, region.start(interval) + shift);
    }

    /** The line behind the last. */
    int end() {
        return Math.min(until, region.start(interval + 1) + shift);
    }

    /** Bytes of these lines. */
    long bytes() {
        return (long) (end() - first()) * Lines.LINE;
    }

    /** Whether the transfer has a part only of the line that the interval is then: others may have the rest. */
    boolean isCut() {
        return (cutFirst && first() == begin) || (cutLast && end() == stop);
    }
}
