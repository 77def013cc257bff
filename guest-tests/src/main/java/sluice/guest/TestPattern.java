package sluice.guest;

/**
 * The picture drawn by the guest program {@code pattern}, computed independently: {@code guest/picture.h} defines the
 * rules A to H and implements them for the guest. All arithmetic is unsigned 32-bit.
 */
public final class TestPattern {
    private static final int SMALLEST = 32;
    private static final int LARGEST = 16384;

    private TestPattern() {}

    /**
     * The screen at one frame.
     *
     * @param width columns, 32 to 16384
     * @param height rows, 32 to 16384
     * @param frame 0 is the first one, each flip adds one
     */
    public static Picture picture(int width, int height, int frame) {
        if (width < SMALLEST || height < SMALLEST || width > LARGEST || height > LARGEST) {
            throw new IllegalArgumentException("the test pattern is defined from " + SMALLEST + " to " + LARGEST
                    + " rows and columns, not for " + width + " x " + height);
        }
        int[] argb = new int[width * height];
        for (int y = 0, i = 0; y < height; y++) {
            for (int x = 0; x < width; x++, i++) {
                argb[i] = 0xFF00_0000 | rgb(x, y, width, height, frame);
            }
        }
        return new Picture(width, height, argb);
    }

    /**
     * The frame number encoded in a picture (rule H): its low 16 bits.
     *
     * @param shown at least 160 columns wide, 32 rows high
     */
    public static int frame(Picture shown) {
        int row = 2 * (shown.height() / 4) - 4;
        int frame = 0;
        for (int bit = 0; bit < 16; bit++) {
            if ((shown.pixel(16 + 8 * bit + 4, row) & 0xFFFFFF) != 0) frame |= 1 << bit;
        }
        return frame;
    }

    /** One pixel, {@code 0x00RRGGBB}; the arguments as for {@link #picture}. */
    static int rgb(int x, int y, int width, int height, int frame) {
        int band = height / 4;
        if (inFrameNumber(x, y, width, band))
            return ((frame >>> ((x - 16) / 8)) & 1) != 0 ? 0xFFFFFF : 0;
        int rgb = still(x, y, width, height, band);
        int barStart = Integer.remainderUnsigned(frame * 8, width);
        return (x + width - barStart) % width < width / 16 ? rgb ^ 0xFFFFFF : rgb;
    }

    private static boolean inFrameNumber(int x, int y, int width, int band) {
        return width >= 160 && y >= 2 * band - 8 && y < 2 * band && x >= 16 && x < 144;
    }

    /** Rules A to F, in order of precedence. */
    private static int still(int x, int y, int width, int height, int band) {
        boolean top = y < 8;
        boolean bottom = y >= height - 8;
        boolean left = x < 8;
        boolean right = x >= width - 8;
        if (bottom && right)
            return 0x000000;
        if (bottom && left)
            return 0xFF00FF;
        if (top && right)
            return 0x00FFFF;
        if (top && left)
            return 0xFFFFFF;
        if (x == width - 1)
            return 0xFFFF00;
        if (x == 0)
            return 0x0000FF;
        if (y == height - 1)
            return 0x00FF00;
        if (y == 0)
            return 0xFF0000;
        if (y < band)
            return bars(x, width);
        if (y < 2 * band)
            return gradients(x, y - band, width, band);
        if (y < 3 * band)
            return x < width / 2 ? checker(x, y) : noise(x, y);
        return ((x ^ y) & 255) << 16 | ((x + y) & 255) << 8 | ((x - y) & 255);
    }

    private static int bars(int x, int width) {
        int i = x * 8 / width;
        return ((i & 2) != 0 ? 0 : 0xFF0000) | ((i & 4) != 0 ? 0 : 0x00FF00) | ((i & 1) != 0 ? 0 : 0x0000FF);
    }

    private static int gradients(int x, int row, int width, int band) {
        int red = x * 255 / (width - 1);
        int green = row * 255 / (band - 1);
        return red << 16 | green << 8 | (255 - red);
    }

    private static int checker(int x, int y) {
        return ((x + y) & 1) != 0 ? 0xFFFFFF : 0;
    }

    private static int noise(int x, int y) {
        int v = x * 0x9E3779B1 + y * 0x85EBCA77;
        v ^= v >>> 15;
        v *= 0x2C1B3C6D;
        v ^= v >>> 12;
        return v & 0xFFFFFF;
    }
}
