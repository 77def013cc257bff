package sluice.vdev.differential;

import java.util.BitSet;

/** What one flush painted on one scan-out. */
final class Painting {
    private final int width;
    private final int height;
    private final int[] pixels;
    private final BitSet touched = new BitSet();

    Painting(int width, int height) {
        this.width = width;
        this.height = height;
        this.pixels = new int[width * height];
    }

    /** Paints an update, which begins at {@code x},{@code y} of the scan-out and must lie inside it. */
    void add(Seen.Painted update, long x, long y) {
        if (x < 0 || y < 0 || x + update.width() > width || y + update.height() > height) {
            throw new Mismatch("an update outside its scan-out", "%d×%d pixels at %d,%d of %d×%d"
                    .formatted(update.width(), update.height(), x, y, width, height));
        }
        int columns = (int) update.width();
        for (int row = 0; row < update.height(); row++) {
            int at = (int) (y + row) * width + (int) x;
            update.pixels().get(row * columns, pixels, at, columns);
            touched.set(at, at + columns);
        }
    }

    int width() {
        return width;
    }

    /** Pixels that were painted, by row and column. */
    BitSet touched() {
        return touched;
    }

    int pixel(int at) {
        return pixels[at];
    }
}
