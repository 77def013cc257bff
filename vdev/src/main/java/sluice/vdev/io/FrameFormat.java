package sluice.vdev.io;

import io.netty.buffer.ByteBuf;

/** How a protocol's messages are framed: a header of fixed size that tells the size of the body. */
public interface FrameFormat {
    /** Size of the header in bytes. */
    int headerBytes();

    /**
     * Size of the body that follows.
     *
     * @param header a complete header, to be read by index
     * @throws ProtocolViolation if the header is none or the body would be larger than any message of the protocol
     */
    int bodyBytes(ByteBuf header) throws ProtocolViolation;
}
