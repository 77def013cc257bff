package sluice.vdev.vhostuser;

import io.netty.buffer.ByteBuf;

import sluice.vdev.io.FrameFormat;
import sluice.vdev.io.ProtocolViolation;

/** Framing of vhost-user: request, flags and size of the body, 32 bits each, in the byte order of the machine. */
public final class VhostUserFormat implements FrameFormat {
    public static final int HEADER_BYTES = 12;
    /**
     * The largest body of a supported message is 268 bytes; 4096 leaves room for messages that are refused with an
     * error.
     */
    public static final int MAX_BODY_BYTES = 4096;

    static final int VERSION = 1;
    static final int VERSION_MASK = 3;
    static final int REPLY = 1 << 2;
    static final int NEED_REPLY = 1 << 3;

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public int bodyBytes(ByteBuf header) throws ProtocolViolation {
        int flags = header.getIntLE(4);
        if ((flags & VERSION_MASK) != VERSION) {
            throw new ProtocolViolation("this is not vhost-user: header flags 0x%x carry version %d instead of 1"
                    .formatted(flags, flags & VERSION_MASK));
        }
        int size = header.getIntLE(8);
        if (size < 0 || size > MAX_BODY_BYTES) {
            throw new ProtocolViolation("message %d announces a body of %d bytes; the limit is %d"
                    .formatted(header.getIntLE(0), Integer.toUnsignedLong(size), MAX_BODY_BYTES));
        }
        return size;
    }
}
