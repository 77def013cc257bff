package sluice.dmacore.ownership;

/**
 * What a cache operation destroyed, or an access found old: bytes of lines of one view, apart for those inside of the range
 * that the operation was asked for and those beside it, which only share a line with it. Reused by its view; guarded by the
 * view's group.
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

    /** About nothing yet. */
    public Harm(Lines lines) {
        this.lines = lines;
    }

    /** Begins anew, for an operation on the bytes {@code from} to {@code to} − 1 of the buffer. */
    Harm about(long from, long to) {
        begin = from;
        end = to;
        return cleared();
    }

    /** Begins anew, for the same range. */
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

    /** First byte in the buffer of the range that the operation is about. */
    public long from() {
        return begin;
    }

    /** The byte behind its last. */
    public long to() {
        return end;
    }

    /** The bytes of a line that lie in the range, a bit each; bit 0 is the first byte of the line. */
    public long inRange(int line) {
        return lines.bytesOf(line, begin, end);
    }

    /** Adds bytes of a line, a bit each. */
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

    /** How many lines have harm beside the range: of bytes that lie together two at most, those at their ends. */
    int linesBeside() {
        return besideLines;
    }

    /** Position of the first harmed byte of the range. */
    long position() {
        return insideFrom;
    }

    /** From that one to the last harmed byte of the range. */
    long length() {
        return insideEnd - insideFrom;
    }

    /** How many bytes of the range. */
    long bytes() {
        return insideBytes;
    }

    /** Whether some of the bytes beside the range are the same buffer's. */
    boolean isBesideOfBuffer() {
        return besideOwn;
    }

    /** How many bytes beside it. */
    long bytesBeside() {
        return besideBytes;
    }
}
