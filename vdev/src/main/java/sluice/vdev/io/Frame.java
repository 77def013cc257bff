package sluice.vdev.io;

import io.netty.buffer.ByteBuf;

/**
 * One whole message as it arrived, and the descriptors that arrived with it.
 *
 * @param bytes header and body; the receiver of the frame releases it
 * @param fds the receiver of the frame closes it
 */
public record Frame(ByteBuf bytes, Fds fds) implements AutoCloseable {
    @Override
    public void close() {
        bytes.release();
        fds.close();
    }
}
