package sluice.dmacore.memory;

/**
 * Rows of one length at one distance from each other, as a rectangle of a picture lies in memory. Reusable: who handles one
 * rectangle after the other sets one again and again, and nothing is allocated for each.
 */
public final class Rows {
    private long offset;
    private long rowBytes;
    private long stride;
    private long count;

    /**
     * Sets it.
     *
     * @param first offset of the first row
     * @param bytes of each row
     * @param distance from the beginning of one row to that of the next, at least {@code bytes}
     * @param rows how many, at least 1
     * @return this
     */
    public Rows set(long first, long bytes, long distance, long rows) {
        offset = first;
        rowBytes = bytes;
        stride = distance;
        count = rows;
        return this;
    }

    /** Sets it to one row. */
    public Rows set(long first, long bytes) {
        return set(first, bytes, bytes, 1);
    }

    /** Offset of a row, the first being row 0. */
    public long offset(long row) {
        return offset + row * stride;
    }

    /** Offset of the first row. */
    public long offset() {
        return offset;
    }

    public long rowBytes() {
        return rowBytes;
    }

    public long stride() {
        return stride;
    }

    public long count() {
        return count;
    }

    /** Bytes of all rows, without what lies between them. */
    public long bytes() {
        return rowBytes * count;
    }

    /** From the first byte of the first row to the last of the last; {@link Long#MAX_VALUE} if that is more. */
    public long span() {
        long high = Math.multiplyHigh(count - 1, stride);
        long low = (count - 1) * stride;
        return high != 0 || low < 0 || low > Long.MAX_VALUE - rowBytes ? Long.MAX_VALUE : low + rowBytes;
    }

    /** Whether nothing lies between the rows. */
    public boolean isOneStretch() {
        return rowBytes == stride || count == 1;
    }
}
