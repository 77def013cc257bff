package sluice.vdev.video;

/**
 * A moving pattern that can be computed independently: the pixel at column x of line y in frame n is {@code (x ^ (3 *
 * y)) + 7 * n}, modulo 256. The first four pixels are the number of the frame instead, most significant byte first.
 */
public final class TestPattern implements FrameSource {
    private static final int NUMBER_BYTES = 4;

    @Override
    public void fill(long frame, int width, int height, byte[] target) {
        int shift = (int) (7 * frame);
        for (int y = 0; y < height; y++) {
            int line = y * width;
            for (int x = 0; x < width; x++) target[line + x] = (byte) ((x ^ (3 * y)) + shift);
        }
        for (int i = 0; i < NUMBER_BYTES; i++)
            target[i] = (byte) (frame >>> (Byte.SIZE * (NUMBER_BYTES - 1 - i)));
    }
}
