package sluice.vdev.rfb;

/**
 * The tiles of a ZRLE rectangle before they are compressed (RFC 6143 §7.7.6). Each gets the shortest of its encodings:
 * one colour, packed palette, palette RLE with up to 16 colours, plain RLE, or raw. Not thread-safe.
 */
final class ZrleTiles {
    private static final int SIDE = Damage.TILE;
    private static final int MAX_COLOURS = 16;
    private static final int PALETTE_RLE = 128;
    private static final int LONGEST_IN_A_BYTE = 255;

    private final byte[] out;
    private final int[] palette = new int[MAX_COLOURS];
    private RfbPixelFormat format = RfbPixelFormat.OURS;
    private int at;
    /** More than {@link #MAX_COLOURS} if there is no palette. */
    private int colours;
    private int plainRunBytes;
    private int paletteRunBytes;

    /** @param pixels the most pixels of a rectangle */
    ZrleTiles(int pixels) {
        // A raw tile is the longest, and no tile is smaller than a pixel.
        out = new byte[pixels * 4 + pixels];
    }

    /** The encoded tiles, from the beginning. */
    byte[] bytes() {
        return out;
    }

    /**
     * Encodes a rectangle.
     *
     * @param values of its pixels in {@code target}, row by row
     * @return bytes of the result
     */
    int encode(int[] values, int width, int height, RfbPixelFormat target) {
        format = target;
        at = 0;
        for (int y = 0; y < height; y += SIDE) {
            for (int x = 0; x < width; x += SIDE)
                tile(values, y * width + x, width, Math.min(SIDE, width - x), Math.min(SIDE, height - y));
        }
        return at;
    }

    private void tile(int[] values, int first, int stride, int width, int height) {
        measure(values, first, stride, width, height);
        int pixel = format.compressedBytes();
        if (colours == 1) {
            out[at++] = 1;
            putPalette();
            return;
        }
        int raw = width * height * pixel;
        boolean hasPalette = colours <= MAX_COLOURS;
        int packed = hasPalette ? colours * pixel + height * ((width * indexBits() + 7) / 8) : Integer.MAX_VALUE;
        int indexed = hasPalette ? colours * pixel + paletteRunBytes : Integer.MAX_VALUE;
        int least = Math.min(Math.min(raw, plainRunBytes), Math.min(packed, indexed));
        if (least == packed) {
            out[at++] = (byte) colours;
            putPalette();
            putPacked(values, first, stride, width, height);
        } else if (least == indexed) {
            out[at++] = (byte) (PALETTE_RLE + colours);
            putPalette();
            putRuns(values, first, stride, width, height, true);
        } else if (least == plainRunBytes) {
            out[at++] = (byte) PALETTE_RLE;
            putRuns(values, first, stride, width, height, false);
        } else {
            out[at++] = 0;
            putRaw(values, first, stride, width, height);
        }
    }

    /** Bits of an index into the palette. */
    private int indexBits() {
        return colours == 2 ? 1 : colours <= 4 ? 2 : 4;
    }

    private void measure(int[] values, int first, int stride, int width, int height) {
        colours = 0;
        plainRunBytes = 0;
        paletteRunBytes = 0;
        int value = values[first];
        int length = 0;
        for (int row = 0; row < height; row++) {
            int start = first + row * stride;
            for (int i = start; i < start + width; i++) {
                if (values[i] == value) {
                    length++;
                } else {
                    count(value, length);
                    value = values[i];
                    length = 1;
                }
            }
        }
        count(value, length);
    }

    private void count(int value, int length) {
        plainRunBytes += format.compressedBytes() + lengthBytes(length);
        paletteRunBytes += length == 1 ? 1 : 1 + lengthBytes(length);
        if (colours > MAX_COLOURS || index(value) < colours) return;
        if (colours < MAX_COLOURS) palette[colours] = value;
        colours++;
    }

    /** Its place in the palette, or the number of colours. */
    private int index(int value) {
        int i = 0;
        while (i < colours && palette[i] != value)
            i++;
        return i;
    }

    private static int lengthBytes(int length) {
        return (length - 1) / LONGEST_IN_A_BYTE + 1;
    }

    private void putPalette() {
        for (int i = 0; i < colours; i++) at = format.putCompressed(out, at, palette[i]);
    }

    private void putRaw(int[] values, int first, int stride, int width, int height) {
        for (int row = 0; row < height; row++) {
            int start = first + row * stride;
            for (int i = start; i < start + width; i++) at = format.putCompressed(out, at, values[i]);
        }
    }

    private void putPacked(int[] values, int first, int stride, int width, int height) {
        int bits = indexBits();
        for (int row = 0; row < height; row++) {
            int start = first + row * stride;
            int filled = 0;
            int collected = 0;
            for (int i = start; i < start + width; i++) {
                collected = collected << bits | index(values[i]);
                filled += bits;
                if (filled == 8) {
                    out[at++] = (byte) collected;
                    filled = 0;
                    collected = 0;
                }
            }
            if (filled > 0) out[at++] = (byte) (collected << (8 - filled));
        }
    }

    private void putRuns(int[] values, int first, int stride, int width, int height, boolean isIndexed) {
        int value = values[first];
        int length = 0;
        for (int row = 0; row < height; row++) {
            int start = first + row * stride;
            for (int i = start; i < start + width; i++) {
                if (values[i] == value) {
                    length++;
                } else {
                    putRun(value, length, isIndexed);
                    value = values[i];
                    length = 1;
                }
            }
        }
        putRun(value, length, isIndexed);
    }

    private void putRun(int value, int length, boolean isIndexed) {
        if (!isIndexed) {
            at = format.putCompressed(out, at, value);
        } else if (length == 1) {
            out[at++] = (byte) index(value);
            return;
        } else {
            out[at++] = (byte) (PALETTE_RLE + index(value));
        }
        int rest = length - 1;
        for (; rest >= LONGEST_IN_A_BYTE; rest -= LONGEST_IN_A_BYTE) out[at++] = (byte) LONGEST_IN_A_BYTE;
        out[at++] = (byte) rest;
    }
}
