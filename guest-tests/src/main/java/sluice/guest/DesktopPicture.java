package sluice.guest;

import org.jspecify.annotations.Nullable;

/**
 * The expected screen for the guest program {@code window} under a compositor: a picture of the screen's size, a
 * smaller one above it with a transparent and a half black part, and the pointer's square. The rules are in {@code
 * guest/window.c}.
 */
public final class DesktopPicture {
    private static final int INSET_WIDTH = 320;
    private static final int INSET_HEIGHT = 200;
    private static final int INSET_TOP = 32;
    private static final int POINTER_SIZE = 24;
    private static final int POINTER_COLOUR = 0xFFFF_8000;
    private static final int HALF_BLACK_ALPHA = 128;

    private DesktopPicture() {}

    /** The pointer's top left pixel. */
    public record Pointer(int x, int y) {}

    /**
     * The whole screen.
     *
     * @param width columns, at least 640
     * @param height rows, at least 480
     * @param frame number of the frame, from 1
     * @param pointer null if there is none over the window
     */
    public static Picture picture(int width, int height, int frame, @Nullable Pointer pointer) {
        Picture screen = TestPattern.picture(width, height, frame);
        int[] pixels = screen.argb();
        for (int y = 0; y < INSET_HEIGHT; y++) {
            for (int x = 0; x < INSET_WIDTH; x++) {
                int at = (INSET_TOP + y) * width + width / 2 + x;
                pixels[at] = composed(x, y, frame, pixels[at]);
            }
        }
        if (pointer != null) {
            for (int y = pointer.y; y < Math.min(height, pointer.y + POINTER_SIZE); y++) {
                for (int x = pointer.x; x < Math.min(width, pointer.x + POINTER_SIZE); x++) {
                    pixels[y * width + x] = POINTER_COLOUR;
                }
            }
        }
        return screen;
    }

    private static int composed(int x, int y, int frame, int below) {
        boolean special = x >= INSET_WIDTH / 4 && x < INSET_WIDTH / 2;
        if (special && y >= INSET_HEIGHT / 4 && y < INSET_HEIGHT / 2) return below;
        if (special && y >= INSET_HEIGHT / 2 && y < INSET_HEIGHT / 4 * 3) return underHalfBlack(below);
        return 0xFF00_0000 | TestPattern.rgb(x, y, INSET_WIDTH, INSET_HEIGHT, frame);
    }

    /** Porter and Duff's "over" with a black source: each colour times 127 / 255, rounded to the nearest. */
    private static int underHalfBlack(int below) {
        int result = 0xFF00_0000;
        for (int shift = 0; shift < 24; shift += 8) {
            int colour = (below >>> shift) & 0xFF;
            result |= ((colour * (255 - HALF_BLACK_ALPHA) + 127) / 255) << shift;
        }
        return result;
    }
}
