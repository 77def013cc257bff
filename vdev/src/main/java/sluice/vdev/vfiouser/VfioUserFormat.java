package sluice.vdev.vfiouser;

import io.netty.buffer.ByteBuf;

import sluice.vdev.io.FrameFormat;
import sluice.vdev.io.ProtocolViolation;

/**
 * Framing of vfio-user: message id and command of 16 bits, size with the header, flags and error of 32 bits, in the byte order
 * of the machine.
 */
public final class VfioUserFormat implements FrameFormat {
    public static final int HEADER_BYTES = 16;
    /** Limit of data in one message, in each direction: the protocol's default. */
    public static final int MAX_DATA_BYTES = 1 << 20;
    /** The largest message: data and its header. */
    public static final int MAX_BODY_BYTES = MAX_DATA_BYTES + 64;

    /** The bits of flags that hold the type. */
    static final int TYPE = 0xf;
    static final int COMMAND = 0;
    static final int REPLY = 1;
    static final int NO_REPLY = 1 << 4;
    static final int ERROR = 1 << 5;

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public int bodyBytes(ByteBuf header) throws ProtocolViolation {
        int type = header.getIntLE(8) & TYPE;
        int command = header.getUnsignedShortLE(2);
        if (type != COMMAND && type != REPLY) {
            throw new ProtocolViolation(
                    "this is not vfio-user: message type %d, command %d".formatted(type, command));
        }
        long size = header.getUnsignedIntLE(4);
        if (size < HEADER_BYTES || size > HEADER_BYTES + MAX_BODY_BYTES) {
            throw new ProtocolViolation("command %d has a size of %d bytes; it must be %d to %d".formatted(command,
                    size, HEADER_BYTES, HEADER_BYTES + MAX_BODY_BYTES));
        }
        return (int) (size - HEADER_BYTES);
    }
}
