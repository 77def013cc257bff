package sluice.dmacore.memory;

/**
 * Rows of equal length at a constant stride, such as a rectangle of a picture. Reusable: one object serves many
 * rectangles without allocation.
 */
public final class Rows {
    private long offset;
    private long rowBytes;
    private long stride;
    private long count;

    /**
     * Sets all rows.
     *
     * @param first offset of the first row
     * @param bytes of each row
     * @param distance stride in bytes, from one row to the next, at least {@code bytes}
     * @param rows number of rows, at least 1
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

    /** Bytes of all rows, without the gaps. */
    public long bytes() {
        return rowBytes * count;
    }

    /** Bytes from the beginning of the first row to the end of the last; at most {@link Long#MAX_VALUE}. */
    public long span() {
        long high = Math.multiplyHigh(count - 1, stride);
        long low = (count - 1) * stride;
        return high != 0 || low < 0 || low > Long.MAX_VALUE - rowBytes ? Long.MAX_VALUE : low + rowBytes;
    }

    /** Whether the rows are contiguous. */
    public boolean isOneStretch() {
        return rowBytes == stride || count == 1;
    }
}
