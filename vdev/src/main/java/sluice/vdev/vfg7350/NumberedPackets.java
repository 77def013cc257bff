package sluice.vdev.vfg7350;

import sluice.vdev.video.NumberedLines;

/** A stream of numbered null packets: {@link NumberedLines} of one packet each, with the number of the buffer. */
public final class NumberedPackets implements PacketSource {
    private final NumberedLines lines = new NumberedLines();

    @Override
    public boolean fill(long buffer, int count, byte[] target) {
        lines.fill(buffer, PACKET_BYTES, count, target);
        return true;
    }
}
