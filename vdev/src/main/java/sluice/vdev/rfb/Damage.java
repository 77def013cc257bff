package sluice.vdev.rfb;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which tiles of a picture have changed, and when. One thread marks; any number of readers find out what has changed
 * since they looked last. Nobody waits, and marking costs the same for any number of readers.
 *
 * <p>Each mark has a number, which is published after its tiles: a reader that sees the number sees the tiles, and the
 * pixels that were written before.
 */
final class Damage {
    /** Side of a tile in pixels, as in ZRLE. */
    static final int TILE = 64;

    private final int columns;
    private final int rows;
    private final AtomicLongArray stamps;
    private volatile long latest = 1;

    /** A picture of this size in pixels, all of which is new. */
    Damage(int width, int height) {
        columns = tiles(width);
        rows = tiles(height);
        stamps = new AtomicLongArray(columns * rows);
        for (int i = 0; i < stamps.length(); i++) stamps.setPlain(i, 1);
    }

    /** Number of tiles that cover so many pixels. */
    static int tiles(int pixels) {
        return (pixels + TILE - 1) / TILE;
    }

    /** Marks a rectangle in pixels, of which the part outside of the picture is ignored. On the marking thread. */
    void mark(long x, long y, long width, long height) {
        long now = latest + 1;
        int left = (int) Math.max(0, x / TILE);
        int top = (int) Math.max(0, y / TILE);
        int right = (int) Math.min(columns, (x + width + TILE - 1) / TILE);
        int bottom = (int) Math.min(rows, (y + height + TILE - 1) / TILE);
        for (int row = top; row < bottom; row++) {
            for (int column = left; column < right; column++) stamps.setRelease(row * columns + column, now);
        }
        latest = now;
    }

    void markAll() {
        mark(0, 0, (long) columns * TILE, (long) rows * TILE);
    }

    /** The number of the last mark. */
    long latest() {
        return latest;
    }

    /**
     * Adds the tiles marked after {@code seen} to a set, whose tiles have the index row × {@code intoColumns} + column.
     * Tiles that the set has no room for are ignored.
     *
     * @param seen result of the last call, or 0 for all
     * @return what is seen now
     */
    long collect(long seen, BitSet into, int intoColumns, int intoRows) {
        long now = latest;
        if (now == seen) return now;
        for (int row = 0; row < Math.min(rows, intoRows); row++) {
            for (int column = 0; column < Math.min(columns, intoColumns); column++) {
                if (stamps.getAcquire(row * columns + column) > seen) into.set(row * intoColumns + column);
            }
        }
        return now;
    }
}
