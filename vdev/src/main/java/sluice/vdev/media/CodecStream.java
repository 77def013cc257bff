package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/** The stream of a session: which work comes next, and what its results mean for buffers and events. On the device's loop. */
interface CodecStream {
    /** Prepares the job that comes next; false if there is nothing to be done now. */
    boolean prepare();

    /**
     * The job is done.
     *
     * @return what is wrong with the codec, or null
     */
    @Nullable
    Throwable finished();

    /** Does what can be done with results now. */
    void settle();

    /** Pictures that went to the client. */
    long pictures();

    /** STREAMON: 0 or an errno. */
    int streamOn(BufferQueue queue);

    void streamOff(BufferQueue queue);

    /** DECODER_CMD and ENCODER_CMD, whose structures begin alike: 0 or an errno. */
    int command(Struct.CodecCommand command, boolean onlyTry);

    /** The client has no OUTPUT buffers any more, and begins with another stream. */
    void beginAnew();

    /** The session ends. */
    void close();
}
