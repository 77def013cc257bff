package sluice.vdev.grabber;

/** Where pictures come from; used on the grabber's loop. */
public sealed interface FrameSource permits TestPattern, FrameFile {
    /**
     * Fills {@code target} with a picture, one byte a pixel, line after line.
     *
     * @param frame number of the picture, from 0 on; a source that has fewer begins again
     * @param target {@code width * height} bytes
     * @throws java.io.UncheckedIOException if the source fails
     */
    void fill(long frame, int width, int height, byte[] target);
}
