package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

import javax.net.ssl.SSLException;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import org.jspecify.annotations.Nullable;

import sluice.vdev.io.ProtocolViolation;

/** One connection of a viewer, from its handshake (RFC 6143 §7.1 to 7.3) to its end. On the server's loop. */
final class Viewer extends ChannelInboundHandlerAdapter implements ClientDecoder.Messages {
    private static final byte[] VERSION = "RFB 003.008\n".getBytes(StandardCharsets.US_ASCII);

    private final RfbServer server;
    private final Screen screen;
    private final String name;
    private final Channel channel;
    private final boolean isTls;
    private final Admission admission;
    private final ClientDecoder decoder;
    private final Updates updates;
    private final long connectedAt = System.nanoTime();
    private @Nullable ViewerInput input;
    private @Nullable ByteBuf rest;
    private boolean isLate;
    /** Since when a message is incomplete, or nothing is read that is to be sent; 0 if not. */
    private long incompleteSince;
    private long stalledSince;

    Viewer(RfbServer server, Screen screen, String name, Channel channel, Encoder encoder,
            RfbSecurity security) {
        this.server = server;
        this.screen = screen;
        this.name = name;
        this.channel = channel;
        updates = new Updates(channel, screen, encoder);
        isTls = security.certificate() != null;
        admission = new Admission(server, security, name, channel, this::expect);
        decoder = new ClientDecoder(admission, this);
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        send(channel.alloc().directBuffer().writeBytes(VERSION));
    }

    private void expect(ClientDecoder.Phase next) {
        decoder.expect(next);
    }

    private void send(ByteBuf bytes) {
        channel.writeAndFlush(bytes, channel.voidPromise());
    }

    /** Ends the connection. */
    void disconnect() {
        decoder.expect(ClientDecoder.Phase.NOTHING);
        cut();
    }

    /** Closes the connection without TLS's farewell, for which one that does not read would have to be waited for. */
    private void cut() {
        channel.pipeline().firstContext().close();
    }

    Screen screen() {
        return screen;
    }

    /** Something has changed. */
    void pump() {
        updates.pump();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws ProtocolViolation {
        ByteBuf in = (ByteBuf) message;
        ByteBuf before = rest;
        rest = null;
        try {
            if (before != null)
                in = context.alloc().buffer(before.readableBytes() + in.readableBytes())
                        .writeBytes(before).writeBytes(in);
            long completed = decoder.completed();
            decoder.decode(in);
            if (in.isReadable()) rest = context.alloc().buffer(in.readableBytes()).writeBytes(in);
            if (rest == null && !decoder.isInside()) {
                incompleteSince = 0;
            } else if (incompleteSince == 0 || decoder.completed() != completed) {
                incompleteSince = System.nanoTime();
            }
        } finally {
            if (before != null) {
                before.release();
                in.release();
            }
            ((ByteBuf) message).release();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        stalledSince = channel.isWritable() ? 0 : System.nanoTime();
        updates.pump();
    }

    /** Ends the connection if the viewer takes too long. */
    void tick(long now) {
        RfbLimits limits = server.limits();
        if (!channel.isActive() || isLate || decoder.phase() == ClientDecoder.Phase.NOTHING) return;
        if (decoder.phase() != ClientDecoder.Phase.MESSAGES) {
            if (now - connectedAt > limits.handshake().toNanos()) tooLate("end its handshake", limits.handshake());
        } else if (incompleteSince != 0 && now - incompleteSince > limits.message().toNanos()) {
            tooLate("end a message", limits.message());
        } else if (stalledSince != 0 && now - stalledSince > limits.stall().toNanos()) {
            tooLate("read what it asked for", limits.stall());
        }
    }

    private void tooLate(String what, Duration limit) {
        isLate = true;
        server.log().warn("{}: the viewer {} is disconnected: it did not {} within {} ms", server.name(), name, what,
                limit.toMillis());
        cut();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (!(event instanceof SslHandshakeCompletionEvent handshake)) return;
        if (handshake.isSuccess()) admission.encrypted();
        else tlsFailed(handshake.cause());
    }

    /** Says so once: Netty reports it as an event and as an exception. */
    private void tlsFailed(Throwable cause) {
        if (isLate || decoder.phase() == ClientDecoder.Phase.NOTHING) return;
        disconnected("TLS: " + cause.getMessage());
        decoder.expect(ClientDecoder.Phase.NOTHING);
    }

    private void disconnected(String why) {
        server.log().warn("{}: the viewer {} is disconnected: {}", server.name(), name, why);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof DecoderException && cause.getCause() instanceof SSLException failure) {
            tlsFailed(failure);
            cut();
            return;
        }
        decoder.expect(ClientDecoder.Phase.NOTHING);
        if (cause instanceof ProtocolViolation) {
            disconnected(String.valueOf(cause.getMessage()));
        } else if (!(cause instanceof IOException)) { // which is the end of a connection
            server.log().error("{}: the connection of the viewer {} failed", server.name(), name, cause);
        }
        cut();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (decoder.phase() == ClientDecoder.Phase.SECURITY_TYPE && isTls)
            server.log().warn("{}: the viewer {} has left: it may not know VeNCrypt, which this screen needs",
                    server.name(), name);
        decoder.expect(ClientDecoder.Phase.NOTHING);
        updates.close();
        ByteBuf kept = rest;
        rest = null;
        if (kept != null) kept.release();
        ViewerInput open = input;
        input = null;
        if (open != null) open.close();
        server.gone(this);
    }

    @Override
    public void clientInit() {
        ByteBuf out = channel.alloc().directBuffer().writeShort(updates.width()).writeShort(updates.height());
        RfbPixelFormat.OURS.writeTo(out);
        Admission.putText(out, server.name());
        send(out);
        input = server.input(name);
        decoder.expect(ClientDecoder.Phase.MESSAGES);
        server.log().info("{}: the viewer {} is connected", server.name(), name);
    }

    // The messages.

    @Override
    public void pixelFormat(RfbPixelFormat format) {
        updates.setFormat(format);
    }

    @Override
    public void encodings() {
        updates.encodings().clear();
    }

    @Override
    public void encoding(int encoding) {
        updates.encodings().add(encoding);
    }

    @Override
    public void encodingsEnd() {
        updates.encodingsChanged();
    }

    @Override
    public void updateRequest(boolean isIncremental, int x, int y, int width, int height) {
        updates.request(isIncremental, x, y, width, height);
    }

    @Override
    public void key(int keysym, boolean pressed) {
        ViewerInput open = input;
        if (open != null) open.key(keysym, pressed);
    }

    @Override
    public void pointer(int buttons, int x, int y) {
        ViewerInput open = input;
        if (open != null) open.pointer(buttons, x, y, updates.width(), updates.height());
    }

    @Override
    public void desktopSize() {
        updates.refuseSize();
    }
}
