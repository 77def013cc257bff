package sluice.vdev.io;

import io.netty.buffer.ByteBuf;

/** How a protocol frames messages: a header of fixed size that contains the size of the body. */
public interface FrameFormat {
    /** Size of the header in bytes. */
    int headerBytes();

    /**
     * Size of the body that follows.
     *
     * @param header a complete header, to be read by index
     * @throws ProtocolViolation if the header is invalid or announces a body larger than any message of the protocol
     */
    int bodyBytes(ByteBuf header) throws ProtocolViolation;
}
