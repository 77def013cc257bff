package sluice.vdev.codec;

/**
 * The format of pictures.
 *
 * @param width in pixels, 1 to {@link #MOST}
 * @param height in pixels, 1 to {@link #MOST}
 */
public record PictureFormat(PixelFormat pixels, int width, int height) {
    /** The most pixels of a side. */
    public static final int MOST = 8192;

    /** @throws IllegalArgumentException a side is out of range */
    public PictureFormat {
        if (width < 1 || width > MOST || height < 1 || height > MOST)
            throw new IllegalArgumentException(
                    "a picture of %dx%d; sides have 1 to %d pixels".formatted(width, height, MOST));
    }

    /** Bytes of a picture without padding, planes one after the other. */
    public long bytes() {
        long sum = 0;
        for (int i = 0; i < pixels.planes(); i++) sum += (long) pixels.lineBytes(i, width) * pixels.lines(i, height);
        return sum;
    }

    @Override
    public String toString() {
        return "%s %dx%d".formatted(pixels, width, height);
    }
}
