package sluice.guest;

import sluice.vdev.video.NumberedLines;

/**
 * What {@code guest/scanout.c} shows: numbered lines as pixels of XRGB8888.
 *
 * @param width in pixels
 * @param height in pixels
 * @param twice whether the last page of the buffer is its first once more, so that the first shows what was drawn in the last
 */
public record NumberedPicture(int width, int height, boolean twice) {
    /** Bytes of a pixel. */
    public static final int PIXEL = 4;
    private static final int PAGE = 4096;

    /** The bytes of a frame, from 1 on. */
    public byte[] bytes(int frame) {
        byte[] bytes = new byte[width * height * PIXEL];
        new NumberedLines().fill(frame, width * PIXEL, height, bytes);
        if (twice) {
            int last = (bytes.length - 1) / PAGE * PAGE;
            System.arraycopy(bytes, last, bytes, 0, bytes.length - last);
        }
        return bytes;
    }

    /** A frame as it is shown, opaque. */
    public Picture picture(int frame) {
        byte[] bytes = bytes(frame);
        int[] argb = new int[width * height];
        for (int i = 0; i < argb.length; i++) {
            int at = i * PIXEL;
            argb[i] = 0xff00_0000 | (bytes[at + 2] & 0xff) << 16 | (bytes[at + 1] & 0xff) << 8 | (bytes[at] & 0xff);
        }
        return new Picture(width, height, argb);
    }
}
