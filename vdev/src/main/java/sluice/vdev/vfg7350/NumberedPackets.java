package sluice.vdev.vfg7350;

/**
 * A stream of null packets whose payload says which they are, so that a reader in the guest can tell each byte that is old, or
 * elsewhere's: the buffer's number and the packet's, big-endian, 32 bits each, and then bytes that follow from both. Null packets
 * (PID 0x1fff) carry whatever they like, and players leave them out (ISO/IEC 13818-1 §2.4.3.3).
 */
public final class NumberedPackets implements PacketSource {
    private static final byte[] HEADER = { 0x47, 0x1f, (byte) 0xff, 0x10 };
    private static final int PAYLOAD = 12;

    @Override
    public void fill(long buffer, int count, byte[] target) {
        for (int packet = 0; packet < count; packet++) {
            int at = packet * PACKET_BYTES;
            System.arraycopy(HEADER, 0, target, at, HEADER.length);
            put(target, at + HEADER.length, (int) buffer);
            put(target, at + HEADER.length + Integer.BYTES, packet);
            for (int i = PAYLOAD; i < PACKET_BYTES; i++) target[at + i] = (byte) (buffer * 31 + packet * 7L + i);
        }
    }

    private static void put(byte[] target, int at, int value) {
        for (int i = 0; i < Integer.BYTES; i++)
            target[at + i] = (byte) (value >>> (Byte.SIZE * (Integer.BYTES - 1 - i)));
    }
}
