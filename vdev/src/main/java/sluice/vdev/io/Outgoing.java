package sluice.vdev.io;

import io.netty.util.ReferenceCounted;

import sluice.dmacore.linux.SocketMessage;

/**
 * An outgoing message, in pieces anywhere in memory. The channel releases it when the kernel has accepted the last
 * byte, or when the channel fails.
 */
public interface Outgoing extends ReferenceCounted {
    /** Bytes of memory that the message owns until it is sent; memory that it only points to does not count. */
    int ownedBytes();

    /** Adds the next pieces, as many as fit, and the descriptors with the first byte. */
    void gather(SocketMessage message);

    /**
     * Notes that the next {@code bytes} bytes were accepted.
     *
     * @return true if that was the last of them
     */
    boolean sent(long bytes);
}
