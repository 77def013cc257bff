package sluice.vdev.media;

import sluice.vdev.codec.PictureFormat;

/** What a decoder has made, in the order of the stream. A {@link MediaBuffer} is a picture in a CAPTURE buffer. */
sealed interface Outcome permits MediaBuffer, Spare, Outcome.FormatChange, Outcome.End {
    /**
     * What follows has this format.
     *
     * @param pictures the most that the decoder keeps at once, or 0 if it has memory of its own
     */
    record FormatChange(PictureFormat format, int pictures) implements Outcome {}

    /** The decoder has no more pictures. */
    enum End implements Outcome {
        /** A drain that the client has asked for is complete. */
        DRAINED,
        /** The stream has said that it ends. */
        MARKED
    }
}
