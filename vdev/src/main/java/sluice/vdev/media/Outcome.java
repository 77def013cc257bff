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

    /** A drain is complete. */
    enum End implements Outcome {
        /** The only one. */
        END
    }
}
