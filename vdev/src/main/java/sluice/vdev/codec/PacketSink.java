package sluice.vdev.codec;

import java.lang.foreign.MemorySegment;

/** Receives what an encoder has made of pictures. */
public interface PacketSink {
    /**
     * One coded picture, in the order of decoding.
     *
     * @param bytes valid during the call only
     * @param time of the picture, as it was given to {@link Encoder#encode}
     * @param key whether decoding can begin here
     */
    void packet(MemorySegment bytes, long time, boolean key);
}
