package sluice.vdev.vfg7350;

import org.jspecify.annotations.Nullable;

/** A source of transport stream packets (ISO/IEC 13818-1 §2.4.3); used on the card's loop. */
public sealed interface PacketSource permits NumberedPackets, PacketFile, EncodedPackets {
    /** Bytes of a packet. */
    int PACKET_BYTES = 188;

    /**
     * Fills {@code target} with packets.
     *
     * @param buffer number of the target buffer, from 0
     * @param count number of packets; {@code target} has room for them
     * @return false if it has not as many yet; then the target's content is undefined
     * @throws java.io.UncheckedIOException if the source fails
     */
    boolean fill(long buffer, int count, byte[] target);

    /** The driver has started the encoder, or changed its settings; null if it has stopped it. */
    default void encoder(@Nullable StreamSettings settings) {}

    /** The rate of its stream now, or 0 if it has none of its own. */
    default int bitsPerSecond() {
        return 0;
    }
}
