package sluice.vdev.vfg7350;

/** Where transport stream packets come from (ISO/IEC 13818-1 §2.4.3); used on the card's loop. */
public sealed interface PacketSource permits NumberedPackets, PacketFile {
    /** Bytes of a packet. */
    int PACKET_BYTES = 188;

    /**
     * Fills {@code target} with packets.
     *
     * @param buffer number of the buffer that they are for, from 0 on
     * @param count of packets, {@code target} has room for them
     * @throws java.io.UncheckedIOException if the source fails
     */
    void fill(long buffer, int count, byte[] target);
}
