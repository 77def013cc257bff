package sluice.vdev.io;

import io.netty.buffer.ByteBuf;
import io.netty.util.AbstractReferenceCounted;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SocketMessage;

/** A message in one buffer, with descriptors. It owns both. */
public final class OutgoingFrame extends AbstractReferenceCounted implements Outgoing {
    private final ByteBuf bytes;
    private final Fd[] fds;
    private boolean begun;

    public OutgoingFrame(ByteBuf bytes, Fd... fds) {
        this.bytes = bytes;
        this.fds = fds.clone();
    }

    @Override
    public int ownedBytes() {
        return bytes.capacity();
    }

    @Override
    public void gather(SocketMessage message) {
        message.add(bytes.memoryAddress() + bytes.readerIndex(), bytes.readableBytes());
        if (!begun)
            message.attach(fds);
    }

    @Override
    public boolean sent(long count) {
        begun = true;
        bytes.skipBytes((int) count);
        return !bytes.isReadable();
    }

    @Override
    public OutgoingFrame touch(Object hint) {
        bytes.touch(hint);
        return this;
    }

    @Override
    protected void deallocate() {
        bytes.release();
        for (Fd fd : fds) fd.close();
    }
}
