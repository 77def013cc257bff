package sluice.vdev.media;

import sluice.vdev.codec.PictureFormat;

/**
 * Where the samples of a picture are in a CAPTURE buffer. Sides are those of the coded picture, aligned for the codec
 * libraries; the visible picture is at the top left.
 */
final class FrameLayout {
    /** Sides of the smallest and the largest picture. */
    static final int LEAST = 16;
    static final int MOST = PictureFormat.MOST;
    private static final int WIDTH_UNIT = 16;
    private static final int HEIGHT_UNIT = 32;
    private static final int STRIDE_UNIT = 128;

    private final RawFormat raw;
    private final int width;
    private final int height;
    private final int stride;

    /**
     * A layout for pictures of a visible size.
     *
     * @param visibleWidth 1 to {@link #MOST}
     * @param visibleHeight the same
     */
    FrameLayout(RawFormat raw, int visibleWidth, int visibleHeight) {
        this.raw = raw;
        width = aligned(visibleWidth, WIDTH_UNIT);
        height = aligned(visibleHeight, HEIGHT_UNIT);
        stride = aligned(width, STRIDE_UNIT);
    }

    private FrameLayout(RawFormat raw, int width, int height, int stride) {
        this.raw = raw;
        this.width = width;
        this.height = height;
        this.stride = stride;
    }

    /**
     * A layout as a client wants it, for pictures that a library reads.
     *
     * @param width even, and height too
     * @param wantedStride unsigned; it becomes enough, and a multiple of 16
     */
    static FrameLayout ofClient(RawFormat raw, int width, int height, int wantedStride) {
        int most = 2 * MOST;
        int stride = wantedStride < 0 || wantedStride > most ? most : Math.max(width, wantedStride);
        return new FrameLayout(raw, width, height, aligned(stride, WIDTH_UNIT));
    }

    private static int aligned(int value, int unit) {
        return value + unit - 1 & -unit;
    }

    RawFormat raw() {
        return raw;
    }

    /** Of the coded picture, in pixels. */
    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /** Bytes of a line of a piece of memory, as V4L2 counts it: for one piece that of luma. */
    int bytesPerLine(int plane) {
        return plane == 0 || raw.interleaved() ? stride : stride / 2;
    }

    /** Bytes of a piece of memory. */
    int size(int plane) {
        int luma = stride * height;
        if (raw.planes() == 1) return luma + luma / 2;
        if (plane == 0) return luma;
        return raw.interleaved() ? luma / 2 : luma / 4;
    }

    /** Bytes of each piece of memory. */
    long[] sizes() {
        long[] sizes = new long[raw.planes()];
        for (int i = 0; i < sizes.length; i++) sizes[i] = size(i);
        return sizes;
    }

    /** Describes it to a client. */
    void put(Struct.Format format, Colors colors) {
        format.set(width, height, raw.fourcc(), raw.planes(), colors);
        for (int i = 0; i < raw.planes(); i++) format.setPlane(i, size(i), bytesPerLine(i));
    }

    /** Bytes of a line of component 0 to 2, or to 1 if chroma is interleaved. */
    int componentStride(int component) {
        return component == 0 || raw.interleaved() ? stride : stride / 2;
    }

    /** The piece that a component is in. */
    int componentPlane(int component) {
        return raw.planes() == 1 ? 0 : component;
    }

    /** Its first byte in that piece. */
    long componentOffset(int component) {
        if (raw.planes() > 1 || component == 0) return 0;
        long luma = (long) stride * height;
        return component == 1 ? luma : luma + luma / 4;
    }

    /** Whether a buffer for {@code other} holds a picture of this. */
    boolean isSame(FrameLayout other) {
        return raw == other.raw && width == other.width && height == other.height;
    }
}
