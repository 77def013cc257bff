package sluice.vdev.video;

/** A source of pictures; used by one thread at a time, the card's loop or a worker. */
public sealed interface FrameSource permits TestPattern, FrameFile, NumberedLines {
    /**
     * Fills {@code target} with a picture, one byte a pixel, line after line.
     *
     * @param frame number of the picture, from 0; a shorter source repeats
     * @param target {@code width * height} bytes
     * @throws java.io.UncheckedIOException if the source fails
     */
    void fill(long frame, int width, int height, byte[] target);
}
