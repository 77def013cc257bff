package sluice.vdev.video;

/** Where pictures come from; used on the loop of the card that shows them. */
public sealed interface FrameSource permits TestPattern, FrameFile, NumberedLines {
    /**
     * Fills {@code target} with a picture, one byte a pixel, line after line.
     *
     * @param frame number of the picture, from 0 on; a source that has fewer begins again
     * @param target {@code width * height} bytes
     * @throws java.io.UncheckedIOException if the source fails
     */
    void fill(long frame, int width, int height, byte[] target);
}
