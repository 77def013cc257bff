package sluice.vdev.rfb;

/**
 * A cursor's picture.
 *
 * @param hotX position of the hot spot in the picture, at most {@link #SIDE} - 1
 * @param pixels {@link #SIDE} rows of as many pixels, 0xAARRGGBB, colours multiplied by alpha
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, and written by nobody
record CursorShape(int hotX, int hotY, int[] pixels) {
    /** Width and height. */
    static final int SIDE = 64;
    private static final int OPAQUE = 0xff;

    /**
     * Draws it over a block of pixels.
     *
     * @param x of the cursor's top left corner, relative to that of the block; may be outside
     * @param block rows of {@code width} pixels, 0xXXRRGGBB
     */
    void drawOn(int[] block, int width, int height, long x, long y) {
        long fromRow = Math.max(0, -y);
        long toRow = Math.min(SIDE, height - y);
        long fromColumn = Math.max(0, -x);
        long toColumn = Math.min(SIDE, width - x);
        for (long row = fromRow; row < toRow; row++) {
            for (long column = fromColumn; column < toColumn; column++) {
                int at = (int) ((y + row) * width + x + column);
                block[at] = over(pixels[(int) (row * SIDE + column)], block[at]);
            }
        }
    }

    private static int over(int top, int bottom) {
        int alpha = top >>> 24;
        if (alpha == OPAQUE) return top;
        return channel(top, bottom, alpha, 16) | channel(top, bottom, alpha, 8) | channel(top, bottom, alpha, 0);
    }

    private static int channel(int top, int bottom, int alpha, int shift) {
        int below = (bottom >>> shift & 0xff) * (OPAQUE - alpha) / OPAQUE;
        return Math.min(0xff, (top >>> shift & 0xff) + below) << shift;
    }
}
