package sluice.guest.demo;

import java.util.Arrays;

import sluice.guest.Picture;

/**
 * The picture that the guest's program {@code play} makes of a frame, computed independently: {@code guest/play.c} defines how a frame is
 * placed and what its colors are.
 */
final class VideoScreen {
    private static final int BLACK = 0xFF00_0000;

    private VideoScreen() {}

    /**
     * A screen with a frame in its middle, enlarged by the largest whole number.
     *
     * @param frame planes of YU12 without padding
     * @param width of the frame, even, at most the screen's
     * @param height of it, the same
     */
    static Picture picture(byte[] frame, int width, int height, int screenWidth, int screenHeight) {
        if (frame.length != width * height * 3 / 2)
            throw new IllegalArgumentException(
                    "%d bytes are no frame of %d x %d".formatted(frame.length, width, height));
        int scale = Math.min(screenWidth / width, screenHeight / height);
        int left = (screenWidth - width * scale) / 2;
        int top = (screenHeight - height * scale) / 2;
        int[] argb = new int[screenWidth * screenHeight];
        Arrays.fill(argb, BLACK);
        for (int y = 0; y < height * scale; y++) {
            for (int x = 0; x < width * scale; x++)
                argb[(top + y) * screenWidth + left + x] = color(frame, width, height, x / scale, y / scale);
        }
        return new Picture(screenWidth, screenHeight, argb);
    }

    private static int color(byte[] frame, int width, int height, int x, int y) {
        int blue = width * height + y / 2 * (width / 2) + x / 2;
        int red = blue + width * height / 4;
        int luma = 298 * ((frame[y * width + x] & 0xff) - 16) + 128;
        int u = (frame[blue] & 0xff) - 128;
        int v = (frame[red] & 0xff) - 128;
        return BLACK | limited(luma + 409 * v) << 16 | limited(luma - 100 * u - 208 * v) << 8 | limited(luma + 516 * u);
    }

    private static int limited(int value) {
        return Math.clamp(value >> 8, 0, 0xff);
    }
}
