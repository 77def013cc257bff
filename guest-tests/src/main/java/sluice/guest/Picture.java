package sluice.guest;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import javax.imageio.ImageIO;

/**
 * Pixels in memory, row by row from the top left, each {@code 0xAARRGGBB}.
 *
 * @param argb as many as {@code width * height}; not copied, so do not change it
 */
@SuppressWarnings("ArrayRecordComponent") // a value for comparing, millions of pixels: difference() is its equality
public record Picture(int width, int height, int[] argb) {

    /** Checks that sizes and pixels belong together. */
    public Picture {
        if (width <= 0 || height <= 0 || argb.length != Math.multiplyExact(width, height)) {
            throw new IllegalArgumentException(
                    argb.length + " pixels are not a picture of " + width + " x " + height);
        }
    }

    /**
     * The difference of two pictures.
     *
     * @param pixels number of differing pixels
     * @param x column of the first one in reading order
     * @param y row of it
     * @param expected its value in the expected picture
     * @param actual its value in the other one
     */
    public record Difference(int pixels, int x, int y, int expected, int actual) {
        /** For example: 3 pixels differ, the first at 10,20: expected ffffffff, got ff000000. */
        public String sentence() {
            return "%d pixel%s, the first at %d,%d: expected %08x, got %08x".formatted(pixels,
                    pixels == 1 ? " differs" : "s differ", x, y, expected, actual);
        }
    }

    /**
     * Reads a PNG file (or another format the JDK knows).
     *
     * @throws IOException the file is missing, incomplete or of an unknown format
     */
    public static Picture read(Path file) throws IOException {
        BufferedImage image;
        try (var stream = Files.newInputStream(file)) {
            ImageIO.setUseCache(false);
            image = ImageIO.read(stream);
        } catch (IndexOutOfBoundsException | IllegalArgumentException broken) {
            throw new IOException(file + " is a broken picture file", broken);
        }
        if (image == null)
            throw new IOException(file + " is in no picture format that this JDK can read");
        int width = image.getWidth();
        int height = image.getHeight();
        return new Picture(width, height, image.getRGB(0, 0, width, height, null, 0, width));
    }

    /** The pixel in a column and a row, {@code 0xAARRGGBB}. */
    public int pixel(int x, int y) {
        return argb[y * width + x];
    }

    /**
     * Compares another picture with this, the expected one, exactly and with alpha.
     *
     * @throws IOException the sizes differ
     */
    public Optional<Difference> difference(Picture actual) throws IOException {
        if (width != actual.width || height != actual.height) {
            throw new IOException("the picture is %d x %d, expected %d x %d".formatted(actual.width, actual.height,
                    width, height));
        }
        int first = -1;
        int count = 0;
        for (int i = 0; i < argb.length; i++) {
            if (argb[i] != actual.argb[i]) {
                if (first < 0)
                    first = i;
                count++;
            }
        }
        return first < 0
                ? Optional.empty()
                : Optional.of(
                        new Difference(count, first % width, first / width, argb[first], actual.argb[first]));
    }

    @Override
    public String toString() {
        return "picture of " + width + " x " + height;
    }
}
