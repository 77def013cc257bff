package sluice.dmacore.ownership;

/**
 * Goes over a stretch of a view's lines, region by region and there interval by interval. Each view has one, guarded by its
 * group, so that nobody makes one.
 *
 * <pre>
 * walk.begin(first, end);       // or walk.range(from, to): then walk.isCut(i) is told
 * while (walk.nextRegion(true)) {
 *     for (int i = walk.interval(); i &lt; walk.end(); i++) ... walk.region().cpu(i), walk.first(i), walk.end(i)
 *     walk.close();
 * }
 * </pre>
 */
final class Walk {
    private final Lines lines;
    private int line;
    private int stop;
    private int until;
    private Region region = Region.NONE;
    /** What to add to a line of the region for the view's line. */
    private int shift;
    private int interval;
    private int end;
    private int begin;
    private boolean cutFirst;
    private boolean cutLast;

    Walk(Lines lines) {
        this.lines = lines;
    }

    void begin(int first, int endLine) {
        begin = first;
        line = first;
        stop = endLine;
        until = first;
        cutFirst = false;
        cutLast = false;
    }

    /** Begins over the lines of a range of bytes, not empty; lines that it has a part of are intervals of their own. */
    void range(long from, long to) {
        begin(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        cutFirst = lines.cutsFirst(from);
        cutLast = lines.cutsLast(to);
    }

    /** Goes on to the next region; with {@code split}, its intervals begin and end exactly where the stretch does. */
    boolean nextRegion(boolean split) {
        line = until;
        if (line >= stop) return false;
        int piece = lines.pieceAt(line);
        region = lines.region(piece);
        until = Math.min(stop, lines.pieceStart(piece + 1));
        shift = lines.pieceStart(piece) - lines.pieceOffset(piece);
        if (split) {
            if (cutFirst && line == begin) region.split(line + 1 - shift);
            if (cutLast && until == stop) region.split(until - 1 - shift);
            interval = region.split(line - shift);
            end = region.split(until - shift);
        } else {
            interval = region.at(line - shift);
            end = region.at(until - 1 - shift) + 1;
        }
        return true;
    }

    Region region() {
        return region;
    }

    /** The first interval of the region. */
    int interval() {
        return interval;
    }

    /** The one behind the last. */
    int end() {
        return end;
    }

    /** The view's first line in an interval. */
    int first(int index) {
        return Math.max(line, region.start(index) + shift);
    }

    /** The view's line behind the last in an interval. */
    int end(int index) {
        return Math.min(until, region.start(index + 1) + shift);
    }

    /** Whether the range has a part only of the line that an interval is then: others may have the rest. */
    boolean isCut(int index) {
        return (cutFirst && first(index) == begin) || (cutLast && end(index) == stop);
    }

    /** Ends the work on a region whose intervals have changed. */
    void close() {
        region.coalesce(interval, end);
    }
}
