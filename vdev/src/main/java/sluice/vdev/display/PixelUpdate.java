package sluice.vdev.display;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import io.netty.util.AbstractReferenceCounted;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.SocketMessage;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PixelFormat;
import sluice.vdev.gpu.Rectangle;
import sluice.vdev.io.Outgoing;

/**
 * One outgoing UPDATE: the header, then rows directly from the image. It references the image until the last byte was
 * accepted, and is reused.
 */
final class PixelUpdate extends AbstractReferenceCounted implements Outgoing {
    /** Header, then scan-out, x, y, width and height. */
    private static final int PREFIX_BYTES = DisplayFormat.HEADER_BYTES + 20;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment prefix = Arena.ofAuto().allocate(PREFIX_BYTES, 8);
    private final PixelUpdatePool pool;
    private @Nullable HostImage image;
    private long firstByte;
    private long rowBytes;
    private long stride;
    private long total;
    private long sent;
    private Runnable whenSent = () -> {};

    PixelUpdate(PixelUpdatePool pool) {
        this.pool = pool;
    }

    /** Begins a new update; the rectangle is inside the image and not empty. */
    void begin(int scanout, long x, long y, HostImage source, Rectangle part, Runnable done) {
        setRefCnt(1);
        source.retain();
        image = source;
        whenSent = done;
        stride = source.stride();
        rowBytes = part.width() * PixelFormat.BYTES;
        firstByte = part.y() * stride + part.x() * PixelFormat.BYTES;
        long pixels = rowBytes * part.height();
        total = PREFIX_BYTES + pixels;
        sent = 0;
        prefix.set(INT, 0, DisplayRequest.UPDATE);
        prefix.set(INT, 4, 0);
        prefix.set(INT, 8, (int) (20 + pixels));
        prefix.set(INT, 12, scanout);
        prefix.set(INT, 16, (int) x);
        prefix.set(INT, 20, (int) y);
        prefix.set(INT, 24, (int) part.width());
        prefix.set(INT, 28, (int) part.height());
    }

    @Override
    public int ownedBytes() {
        return PREFIX_BYTES;
    }

    @Override
    public void gather(SocketMessage message) {
        HostImage source = image;
        if (source == null) throw new IllegalStateException("no update is in progress");
        if (sent < PREFIX_BYTES) message.add(prefix, sent, PREFIX_BYTES - sent);
        long at = Math.max(0, sent - PREFIX_BYTES);
        long end = total - PREFIX_BYTES;
        if (rowBytes == stride) {
            message.add(source.pixels(), firstByte + at, end - at);
            return;
        }
        while (at < end && !message.isFull()) {
            long row = at / rowBytes;
            long into = at % rowBytes;
            message.add(source.pixels(), firstByte + row * stride + into, rowBytes - into);
            at += rowBytes - into;
        }
    }

    @Override
    public boolean sent(long bytes) {
        sent += bytes;
        return sent == total;
    }

    @Override
    public PixelUpdate touch(Object hint) {
        return this;
    }

    @Override
    protected void deallocate() {
        HostImage source = image;
        image = null;
        if (source != null) source.release();
        Runnable done = whenSent;
        whenSent = () -> {};
        pool.giveBack(this);
        done.run();
    }
}
