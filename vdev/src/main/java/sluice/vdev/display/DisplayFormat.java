package sluice.vdev.display;

import io.netty.buffer.ByteBuf;

import sluice.vdev.io.FrameFormat;
import sluice.vdev.io.ProtocolViolation;

/** Framing of the display protocol: as vhost-user's, but the flags have no version and only bit 2, reply, is used. */
public final class DisplayFormat implements FrameFormat {
    static final int HEADER_BYTES = 12;
    static final int REPLY = 1 << 2;
    /** The largest reply is an EDID, 1056 bytes. */
    private static final int MAX_BODY_BYTES = 4096;

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public int bodyBytes(ByteBuf header) throws ProtocolViolation {
        int size = header.getIntLE(8);
        if (size < 0 || size > MAX_BODY_BYTES) {
            throw new ProtocolViolation("display message %d announces %d bytes; the limit is %d"
                    .formatted(header.getIntLE(0), Integer.toUnsignedLong(size), MAX_BODY_BYTES));
        }
        return size;
    }
}
