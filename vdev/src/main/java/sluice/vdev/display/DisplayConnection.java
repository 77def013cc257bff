package sluice.vdev.display;

import java.util.ArrayDeque;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.Rectangle;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.Frame;
import sluice.vdev.io.FrameChannel;
import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.PeerLog;
import sluice.vdev.io.ProtocolViolation;

/**
 * One display socket, from GPU_SET_SOCKET to its end. It tracks the state sent to this display, and sends only messages
 * consistent with it.
 */
final class DisplayConnection extends ChannelInboundHandlerAdapter implements DmabufScreens.Messages {
    /** One row per piece: a picture of 1000 rows is sent in one call. */
    private static final int GATHER_LIMIT = 1024;
    /** A larger buffer means fewer waits for the display within a picture; the kernel may limit it. */
    private static final int SEND_BUFFER_BYTES = 256 << 10;
    private static final int OUTPUTS = 16;
    /** DRM_FORMAT_XRGB8888 and DRM_FORMAT_MOD_LINEAR (drm_fourcc.h). */
    private static final int XRGB8888 = 0x34325258;
    private static final long LINEAR = 0;
    private static final Logger LOG = LoggerFactory.getLogger(DisplayConnection.class);

    private final Channel channel;
    private final PeerLog log;
    private final Runnable ready;
    private final Runnable gone;
    private final PixelUpdatePool updates = new PixelUpdatePool();
    private final ArrayDeque<Asked> asked = new ArrayDeque<>();
    private final ArrayDeque<Runnable> waitingForFeatures = new ArrayDeque<>();
    private final int[] widths = new int[OUTPUTS];
    private final int[] heights = new int[OUTPUTS];
    private final @Nullable DmabufScreens dmabufs;
    private boolean featuresKnown;
    private long features;
    private boolean closed;

    /** A pending request; {@code answer} receives the reply's body, or null if there will be none. */
    private record Asked(int number, int bytes, Consumer<byte @Nullable []> answer) {}

    /**
     * @param disposal closes the socket
     * @param log receives violations by the display
     * @param inPlace whether pictures that have dma-bufs are shown by them
     * @param ready runs when the display is no longer congested
     * @param gone runs when the display has disconnected by itself
     */
    DisplayConnection(Fd socket, EventLoop loop, Disposal disposal, PeerLog log, boolean inPlace,
            Runnable ready, Runnable gone) {
        this.log = log;
        dmabufs = inPlace ? new DmabufScreens(loop, OUTPUTS, this) : null;
        this.ready = ready;
        this.gone = gone;
        channel = new FrameChannel(socket, new DisplayFormat(), GATHER_LIMIT, disposal);
        channel.pipeline().addLast(this);
        widen(socket);
        loop.register(channel);
        ask(DisplayRequest.GET_PROTOCOL_FEATURES, -1, 8, this::settleFeatures);
    }

    private static void widen(Fd socket) {
        try {
            UnixSocket.setSendBuffer(socket, SEND_BUFFER_BYTES);
        } catch (ErrnoException e) {
            LOG.debug("the send buffer of the display socket cannot be resized: {}", e.getMessage());
        }
    }

    private void settleFeatures(byte @Nullable [] reply) {
        if (reply != null) {
            features = reply[0]
                    & (DisplayRequest.FEATURE_EDID | (dmabufs == null ? 0 : DisplayRequest.FEATURE_DMABUF2));
            ByteBuf message = message(DisplayRequest.SET_PROTOCOL_FEATURES, 8).writeLongLE(features);
            send(message);
        }
        featuresKnown = true;
        while (!waitingForFeatures.isEmpty())
            waitingForFeatures.remove().run();
    }

    void displayInfo(int bytes, Consumer<byte @Nullable []> answer) {
        ask(DisplayRequest.GET_DISPLAY_INFO, -1, bytes, answer);
    }

    void edid(int scanout, int bytes, Consumer<byte @Nullable []> answer) {
        if (!featuresKnown) {
            waitingForFeatures.add(() -> edid(scanout, bytes, answer));
        } else if ((features & DisplayRequest.FEATURE_EDID) == 0 || closed) {
            answer.accept(null);
        } else {
            ask(DisplayRequest.GET_EDID, scanout, bytes, answer);
            // QEMU answers in order, but never for an output that it does not have; the answer to this request reveals
            // that.
            ask(DisplayRequest.GET_PROTOCOL_FEATURES, -1, 8, reply -> {});
        }
    }

    /** @param argument a 32-bit body, or -1 for none */
    private void ask(int number, int argument, int replyBytes, Consumer<byte @Nullable []> answer) {
        if (closed) {
            answer.accept(null);
            return;
        }
        asked.add(new Asked(number, replyBytes, answer));
        ByteBuf message = message(number, argument < 0 ? 0 : 4);
        if (argument >= 0) message.writeIntLE(argument);
        send(message);
    }

    void setScanout(int scanout, int width, int height) {
        if (dmabufs != null) dmabufs.forget(scanout);
        widths[scanout] = width;
        heights[scanout] = height;
        send(message(DisplayRequest.SCANOUT, 12).writeIntLE(scanout).writeIntLE(width).writeIntLE(height));
    }

    void show(int scanout, @Nullable HostImage image) {
        if (dmabufs != null) dmabufs.show(scanout, image);
    }

    boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        boolean fits = new Rectangle(x, y, source.width(), source.height()).isWithin(widths[scanout], heights[scanout]);
        if (closed || source.isEmpty() || !fits || !source.isWithin(image.width(), image.height())) {
            if (!closed)
                log.warn("dropped an update of scan-out {} at {},{}: the scan-out is {}×{}", scanout, x, y,
                        widths[scanout],
                        heights[scanout]);
            sent.run();
            return true;
        }
        if (dmabufs != null && featuresKnown && dmabufs.takes(image)) {
            Rectangle shown = new Rectangle(source.x() - x, source.y() - y, widths[scanout], heights[scanout]);
            if (shown.isWithin(image.width(), image.height())) {
                dmabufs.changed(scanout, image, shown, new Rectangle(x, y, source.width(), source.height()));
                sent.run();
                return false;
            }
        }
        if (dmabufs != null) dmabufs.forget(scanout);
        PixelUpdate update = updates.take();
        update.begin(scanout, x, y, image, source, sent);
        channel.writeAndFlush(update, channel.voidPromise());
        return true;
    }

    @Override
    public void scanout(int scanout, HostImage image, Fd picture, Rectangle shown) throws ErrnoException {
        boolean modifier = (features & DisplayRequest.FEATURE_DMABUF2) != 0;
        Fd sent = picture.duplicate();
        ByteBuf message = message(modifier ? DisplayRequest.DMABUF_SCANOUT2 : DisplayRequest.DMABUF_SCANOUT,
                modifier ? 48 : 40);
        message.writeIntLE(scanout).writeIntLE((int) shown.x()).writeIntLE((int) shown.y())
                .writeIntLE((int) shown.width()).writeIntLE((int) shown.height()).writeIntLE(image.width())
                .writeIntLE(image.height()).writeIntLE((int) image.stride()).writeIntLE(0).writeIntLE(XRGB8888);
        if (modifier) message.writeLongLE(LINEAR);
        channel.writeAndFlush(new OutgoingFrame(message, sent), channel.voidPromise());
    }

    @Override
    public void update(int scanout, Rectangle part) {
        send(message(DisplayRequest.DMABUF_UPDATE, 20).writeIntLE(scanout).writeIntLE((int) part.x())
                .writeIntLE((int) part.y()).writeIntLE((int) part.width()).writeIntLE((int) part.height()));
    }

    @Override
    public void copy(int scanout, HostImage image, Rectangle shown) {
        if (closed) return;
        send(message(DisplayRequest.SCANOUT, 12).writeIntLE(scanout).writeIntLE((int) shown.width())
                .writeIntLE((int) shown.height()));
        PixelUpdate update = updates.take();
        update.begin(scanout, 0, 0, image, shown, () -> {});
        channel.writeAndFlush(update, channel.voidPromise());
    }

    void cursorPosition(int number, int scanout, int x, int y) {
        send(message(number, 12).writeIntLE(scanout).writeIntLE(x).writeIntLE(y));
    }

    void cursorUpdate(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        ByteBuf message = message(DisplayRequest.CURSOR_UPDATE, 20 + pixels.length * 4);
        message.writeIntLE(scanout).writeIntLE(x).writeIntLE(y).writeIntLE(hotX).writeIntLE(hotY);
        for (int pixel : pixels) message.writeIntLE(pixel);
        send(message);
    }

    private ByteBuf message(int number, int bodyBytes) {
        return channel.alloc().directBuffer(DisplayFormat.HEADER_BYTES + bodyBytes).writeIntLE(number).writeIntLE(0)
                .writeIntLE(bodyBytes);
    }

    private void send(ByteBuf message) {
        channel.writeAndFlush(new OutgoingFrame(message), channel.voidPromise());
    }

    boolean isCongested() {
        return !closed && !channel.isWritable();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (!closed && channel.isWritable()) ready.run();
    }

    /** Releases the socket: the front-end has passed another. */
    void close() {
        closed = true;
        if (dmabufs != null) dmabufs.close();
        channel.close();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) throws ProtocolViolation {
        try (Frame frame = (Frame) received) {
            ByteBuf bytes = frame.bytes();
            int number = bytes.readIntLE();
            int flags = bytes.readIntLE();
            bytes.skipBytes(4);
            // QEMU answers when it has drawn, which may be after the answer to a later request.
            if (number == DisplayRequest.DMABUF_UPDATE && flags == DisplayFormat.REPLY && !bytes.isReadable()
                    && dmabufs != null && dmabufs.answered()) {
                return;
            }
            Asked oldest = asked.peek();
            if (oldest != null && oldest.number() == DisplayRequest.GET_EDID
                    && number == DisplayRequest.GET_PROTOCOL_FEATURES) {
                asked.remove().answer().accept(null);
                oldest = asked.peek();
            }
            if ((flags & DisplayFormat.REPLY) == 0 || oldest == null || oldest.number() != number
                    || bytes.readableBytes() != oldest.bytes()) {
                throw new ProtocolViolation("display message %d with flags 0x%x and %d bytes does not answer a request"
                        .formatted(number, flags, bytes.readableBytes()));
            }
            asked.remove();
            byte[] body = new byte[oldest.bytes()];
            bytes.readBytes(body);
            oldest.answer().accept(body);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!FrameChannel.isPeerGone(cause)) log.warn("the display socket is closed: {}", cause.getMessage());
        context.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        boolean byItself = !closed;
        closed = true;
        if (dmabufs != null) dmabufs.close();
        while (!asked.isEmpty())
            asked.remove().answer().accept(null);
        if (!featuresKnown) settleFeatures(null);
        if (byItself) gone.run();
    }
}
