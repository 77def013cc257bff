package sluice.vdev.io;

import io.netty.util.ReferenceCounted;

import sluice.dmacore.linux.SocketMessage;

/**
 * A message on its way out, in pieces that may lie anywhere. The channel releases it when its last byte was accepted, or
 * when it never will be.
 */
public interface Outgoing extends ReferenceCounted {
    /** Bytes of memory that wait with it and are freed when it is sent; what it only points to does not count. */
    int ownedBytes();

    /** Adds the next pieces, as many as fit, and with the first byte the descriptors. */
    void gather(SocketMessage message);

    /**
     * Notes that the next {@code bytes} bytes were accepted.
     *
     * @return true if that was the last of them
     */
    boolean sent(long bytes);
}
