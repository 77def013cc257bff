package sluice.vdev.codec;

import java.lang.foreign.MemorySegment;

/**
 * Decodes a bitstream, one access unit a call. Used by one thread at a time, which may be a different one for each call;
 * it belongs on a worker.
 */
public interface Decoder extends AutoCloseable {
    /**
     * Decodes one access unit; pictures that are complete go to {@code sink}. The unit is copied before it is parsed.
     *
     * @param unit coded bytes of one picture
     * @param time a number that its picture returns, whatever the order of display
     * @throws CodecException the unit cannot be decoded; the decoder continues with the next one
     */
    void decode(MemorySegment unit, long time, PictureSink sink) throws CodecException;

    /**
     * Ends the stream: all remaining pictures go to {@code sink}. After {@link #flush} another may begin.
     *
     * @throws CodecException the library failed
     */
    void drain(PictureSink sink) throws CodecException;

    /** Forgets all units and pictures, as for a seek; the format is told again. */
    void flush();

    /** Releases its memory. May be called more than once. */
    @Override
    void close();
}
