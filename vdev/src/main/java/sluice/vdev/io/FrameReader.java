package sluice.vdev.io;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SocketMessage;

/** Reads one message from a socket: exactly the header, then exactly the body, over any number of turns. */
final class FrameReader {
    private final Fd socket;
    private final FrameFormat format;
    private final Disposal disposal;
    private final SocketMessage incoming = new SocketMessage(1);
    /** The bytes received so far, the number of bytes to read next, and the descriptors received so far. */
    private @Nullable ByteBuf partial;
    private int wanted;
    private boolean inBody;
    private final List<Fd> fds = new ArrayList<>();

    /** @param disposal counts received descriptors, and closes those that no handler takes */
    FrameReader(Fd socket, FrameFormat format, Disposal disposal) {
        this.socket = socket;
        this.format = format;
        this.disposal = disposal;
    }

    /** The peer closed its end between two messages. */
    static final class EndOfStream extends IOException {
        private static final long serialVersionUID = 1;
    }

    /** Whether a message is incomplete. */
    boolean isInMessage() {
        ByteBuf begun = partial;
        return begun != null && begun.isReadable();
    }

    /**
     * Continues reading.
     *
     * @return null if the message is still incomplete
     */
    @Nullable
    Frame read(ByteBufAllocator alloc) throws IOException {
        ByteBuf buffer = partial;
        if (buffer == null) {
            buffer = alloc.directBuffer(format.headerBytes());
            partial = buffer;
            inBody = false;
            wanted = format.headerBytes();
        }
        if (!fill(buffer)) return null;
        if (!inBody) {
            inBody = true;
            wanted = format.bodyBytes(buffer);
            if (!fill(buffer)) return null;
        }
        Frame frame = new Frame(buffer, new Fds(fds, disposal));
        fds.clear();
        partial = null;
        return frame;
    }

    /** @return whether the requested bytes have arrived */
    private boolean fill(ByteBuf buffer) throws IOException {
        while (wanted > 0) {
            buffer.ensureWritable(wanted);
            int count = receive(buffer);
            if (count == SocketMessage.WOULD_BLOCK) return false;
            if (count == SocketMessage.END) throw endOfStream(buffer);
            collectFds();
            buffer.writerIndex(buffer.writerIndex() + count);
            wanted -= count;
        }
        return true;
    }

    private int receive(ByteBuf buffer) throws IOException {
        try {
            return incoming.receive(socket, buffer.memoryAddress() + buffer.writerIndex(), wanted);
        } catch (ErrnoException e) {
            // A peer that closes with unread data resets the connection; treated as end of stream.
            if (e.errno() == Errno.ECONNRESET) return SocketMessage.END;
            throw e;
        }
    }

    private IOException endOfStream(ByteBuf buffer) {
        if (!buffer.isReadable()) return new EndOfStream();
        return new ProtocolViolation("the peer disconnected within a message, after %d of %d bytes"
                .formatted(buffer.readableBytes(), buffer.readableBytes() + wanted));
    }

    private void collectFds() throws IOException {
        if (incoming.fdCount() == 0) return;
        List<Fd> fresh = incoming.takeFds();
        fds.addAll(fresh);
        disposal.charge(fresh);
        if (fds.size() > SocketMessage.MAX_FDS) {
            throw new ProtocolViolation("one message with more than %d descriptors".formatted(SocketMessage.MAX_FDS));
        }
    }

    /** Releases an incomplete message. */
    void close() {
        ByteBuf buffer = partial;
        partial = null;
        if (buffer != null) buffer.release();
        disposal.closeAll(fds);
        fds.clear();
        incoming.close();
    }
}
