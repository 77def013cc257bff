package sluice.vdev.codec;

/**
 * Encodes pictures. Used by one thread at a time, which may be a different one for each call; each call may take the
 * time of several pictures, so it belongs on a worker.
 */
public interface Encoder extends AutoCloseable {
    /**
     * Encodes a picture; packets of this and earlier pictures go to {@code sink}. What the encoder needs later is copied.
     *
     * @param picture in the format of the settings
     * @param time a number greater than that of the picture before, which its packet returns
     * @param key whether to make it a key picture, at which decoding can begin, whatever the group of pictures says
     * @throws CodecException the library failed; only {@link #close} may be called then
     * @throws IllegalArgumentException another format
     */
    void encode(Picture picture, long time, boolean key, PacketSink sink) throws CodecException;

    /**
     * Ends the stream: all remaining packets go to {@code sink}. Only {@link #close} may be called then.
     *
     * @throws CodecException the library failed
     */
    void drain(PacketSink sink) throws CodecException;

    /** Releases its memory. May be called more than once. */
    @Override
    void close();
}
