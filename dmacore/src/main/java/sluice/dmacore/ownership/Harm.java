package sluice.dmacore.ownership;

/**
 * Bytes destroyed by a cache operation, or found stale by an access, in lines of one view: separately for bytes inside
 * the range of the operation and for bytes that only share a line with it. Reused by its view; guarded by the view's
 * group.
 */
public final class Harm {
    private final Lines lines;
    private long begin;
    private long end;
    private long insideFrom;
    private long insideEnd;
    private long insideBytes;
    private int insideLine;
    private int besideFirst;
    private int besideLast;
    private int besideLines;
    private long besideBytes;
    private boolean besideOwn;

    /** Creates an empty one. */
    public Harm(Lines lines) {
        this.lines = lines;
    }

    /** Resets it for an operation on the bytes {@code from} to {@code to} − 1 of the buffer. */
    Harm about(long from, long to) {
        begin = from;
        end = to;
        return cleared();
    }

    /** Resets it for the same range. */
    Harm cleared() {
        insideFrom = -1;
        insideEnd = 0;
        insideBytes = 0;
        insideLine = -1;
        besideFirst = -1;
        besideLast = -1;
        besideLines = 0;
        besideBytes = 0;
        besideOwn = false;
        return this;
    }

    /** First byte of the operation's range in the buffer. */
    public long from() {
        return begin;
    }

    /** The end of that range, exclusive. */
    public long to() {
        return end;
    }

    /** The bytes of a line in the range, one bit each; bit 0 is the first byte of the line. */
    public long inRange(int line) {
        return lines.bytesOf(line, begin, end);
    }

    /** Adds bytes of a line, one bit each. */
    public void add(int line, long bytes) {
        long inside = bytes & inRange(line);
        if (inside != 0) {
            long first = lines.positionOf(line, Long.numberOfTrailingZeros(inside));
            if (insideLine < 0 || first < insideFrom) {
                insideLine = line;
                insideFrom = first;
            }
            insideEnd = Math.max(insideEnd,
                    lines.positionOf(line, Long.SIZE - 1 - Long.numberOfLeadingZeros(inside)) + 1);
            insideBytes += Long.bitCount(inside);
        }
        long beside = bytes & ~inside;
        if (beside != 0) {
            if (besideLines == 0 || line < besideFirst) besideFirst = line;
            if (besideLines == 0 || line != besideLast) besideLines++;
            besideLast = Math.max(besideLast, line);
            besideBytes += Long.bitCount(beside);
            besideOwn |= (beside & lines.bytesOf(line, 0, Long.MAX_VALUE)) != 0;
        }
    }

    /** Adds a byte of the buffer. */
    public void addByte(long position) {
        int line = lines.lineAt(position);
        add(line, lines.bytesOf(line, position, position + 1));
    }

    /** Whether bytes of the range were harmed. */
    boolean isInside() {
        return insideLine >= 0;
    }

    /** Whether bytes were harmed that only share a line with the range. */
    boolean isBeside() {
        return besideLines > 0;
    }

    /** The first line with harm beside the range. */
    int firstBeside() {
        return besideFirst;
    }

    /** The last line with harm beside the range. */
    int lastBeside() {
        return besideLast;
    }

    /** Number of lines with harm beside the range: at most two for a contiguous range, at its ends. */
    int linesBeside() {
        return besideLines;
    }

    /** Position of the first harmed byte of the range. */
    long position() {
        return insideFrom;
    }

    /** Length from there to the last harmed byte of the range. */
    long length() {
        return insideEnd - insideFrom;
    }

    /** Number of harmed bytes in the range. */
    long bytes() {
        return insideBytes;
    }

    /** Whether some of the bytes beside the range belong to the same buffer. */
    boolean isBesideOfBuffer() {
        return besideOwn;
    }

    /** Number of harmed bytes beside the range. */
    long bytesBeside() {
        return besideBytes;
    }
}
