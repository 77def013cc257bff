package sluice.dmacore.ownership;

/**
 * Goes over a stretch of a view's lines, region by region and there interval by interval. Each view has one, guarded by its
 * group, so that nobody makes one.
 *
 * <pre>
 * walk.begin(first, end);
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

    Walk(Lines lines) {
        this.lines = lines;
    }

    void begin(int first, int endLine) {
        line = first;
        stop = endLine;
        until = first;
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

    /** Ends the work on a region whose intervals have changed. */
    void close() {
        region.coalesce(interval, end);
    }
}
