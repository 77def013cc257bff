package sluice.vdev.codec;

/** Receives what a decoder has made of a bitstream. */
public interface PictureSink {
    /**
     * The format of all following pictures; called before the first, and whenever the stream changes it.
     */
    void format(PictureFormat format);

    /**
     * One picture, in the order of display.
     *
     * @param picture valid during the call only
     * @param time of the unit that it was coded in, as it was given to {@link Decoder#decode}
     * @param key whether decoding could have begun here
     */
    void picture(Picture picture, long time, boolean key);

    /** The same of a picture that could be decoded in part only; by default, as of any other. */
    default void damaged(Picture picture, long time, boolean key) {
        picture(picture, time, key);
    }
}
