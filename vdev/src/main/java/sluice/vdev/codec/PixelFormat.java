package sluice.vdev.codec;

/** A format of uncompressed pictures with 8 bits per sample, named by its V4L2 fourcc. */
public enum PixelFormat {
    /** Luma, Cb, Cr: three planes, the last two of half the width and height. */
    YU12(3),
    /** Luma, and a plane of Cb and Cr in turn: of the same width in bytes, and half the height. */
    NV12(2),
    /** Luma only. */
    GREY(1);

    private final int planes;

    PixelFormat(int planes) {
        this.planes = planes;
    }

    /** Number of planes. */
    public int planes() {
        return planes;
    }

    /** Bytes of a line of {@code plane} in a picture of this width in pixels, without padding. */
    public int lineBytes(int plane, int width) {
        if (plane == 0) return width;
        int half = (width + 1) / 2;
        return this == NV12 ? 2 * half : half;
    }

    /** Number of lines of {@code plane} in a picture of this height in pixels. */
    public int lines(int plane, int height) {
        return plane == 0 ? height : (height + 1) / 2;
    }
}
