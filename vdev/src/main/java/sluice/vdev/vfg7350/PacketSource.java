package sluice.vdev.vfg7350;

/** A source of transport stream packets (ISO/IEC 13818-1 §2.4.3); used on the card's loop. */
public sealed interface PacketSource permits NumberedPackets, PacketFile {
    /** Bytes of a packet. */
    int PACKET_BYTES = 188;

    /**
     * Fills {@code target} with packets.
     *
     * @param buffer number of the target buffer, from 0
     * @param count number of packets; {@code target} has room for them
     * @throws java.io.UncheckedIOException if the source fails
     */
    void fill(long buffer, int count, byte[] target);
}
