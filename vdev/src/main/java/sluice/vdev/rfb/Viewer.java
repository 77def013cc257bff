package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;

import sluice.vdev.io.ProtocolViolation;

/** One connection of a viewer, from its handshake (RFC 6143 §7.1 to 7.3) to its end. On the server's loop. */
final class Viewer extends ChannelInboundHandlerAdapter implements ClientDecoder.Receiver {
    private static final byte[] VERSION = "RFB 003.008\n".getBytes(StandardCharsets.US_ASCII);
    private static final int NONE = 1;
    private static final int VNC = 2;
    private static final int OK = 0;
    private static final int FAILED = 1;

    private final RfbServer server;
    private final Screen screen;
    private final String name;
    private final Channel channel;
    private final ClientDecoder decoder = new ClientDecoder(this);
    private final Updates updates;
    private final byte[] challenge;
    /** That it must know, or null. */
    private final @Nullable VncAuthentication password;
    private final long connectedAt = System.nanoTime();
    private @Nullable ViewerInput input;
    private @Nullable ByteBuf rest;
    private int minor;
    private boolean isLate;
    /** Since when a message is incomplete, or nothing is read that is to be sent; 0 if not. */
    private long incompleteSince;
    private long stalledSince;

    Viewer(RfbServer server, Screen screen, String name, Channel channel, Encoder encoder,
            @Nullable VncAuthentication password) {
        this.server = server;
        this.screen = screen;
        this.name = name;
        this.channel = channel;
        updates = new Updates(channel, screen, encoder);
        this.password = password;
        challenge = password == null ? new byte[0] : password.challenge();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        send(channel.alloc().directBuffer().writeBytes(VERSION));
    }

    private void send(ByteBuf bytes) {
        channel.writeAndFlush(bytes, channel.voidPromise());
    }

    /** Ends the connection. */
    void disconnect() {
        channel.close();
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
        if (!channel.isActive() || isLate) return;
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
        channel.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        decoder.expect(ClientDecoder.Phase.NOTHING);
        if (cause instanceof ProtocolViolation) {
            server.log().warn("{}: the viewer {} is disconnected: {}", server.name(), name, cause.getMessage());
        } else if (!(cause instanceof IOException)) { // which is the end of a connection
            server.log().error("{}: the connection of the viewer {} failed", server.name(), name, cause);
        }
        context.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
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

    // The handshake.

    @Override
    public void version(int offered) {
        minor = offered;
        int type = password == null ? NONE : VNC;
        ByteBuf out = channel.alloc().directBuffer();
        if (minor >= 7) {
            send(out.writeByte(1).writeByte(type));
            decoder.expect(ClientDecoder.Phase.SECURITY_TYPE);
            return;
        }
        out.writeInt(type);
        if (type == VNC) out.writeBytes(challenge);
        send(out);
        decoder.expect(type == VNC ? ClientDecoder.Phase.RESPONSE : ClientDecoder.Phase.CLIENT_INIT);
    }

    @Override
    public void securityType(int type) throws ProtocolViolation {
        int offered = password == null ? NONE : VNC;
        if (type != offered)
            throw new ProtocolViolation("security type %d was not offered; %d was".formatted(type, offered));
        if (type == VNC) {
            send(channel.alloc().directBuffer().writeBytes(challenge));
            decoder.expect(ClientDecoder.Phase.RESPONSE);
            return;
        }
        if (minor >= 8) send(channel.alloc().directBuffer().writeInt(OK));
        decoder.expect(ClientDecoder.Phase.CLIENT_INIT);
    }

    @Override
    public void response(byte[] response) {
        if (password != null && password.accepts(challenge, response)) {
            send(channel.alloc().directBuffer().writeInt(OK));
            decoder.expect(ClientDecoder.Phase.CLIENT_INIT);
            return;
        }
        decoder.expect(ClientDecoder.Phase.NOTHING);
        server.log().warn("{}: the viewer {} is disconnected: wrong password", server.name(), name);
        // Late, so that nobody tries many.
        channel.eventLoop().schedule(this::refuse, server.limits().refusal().toMillis(), TimeUnit.MILLISECONDS);
    }

    private void refuse() {
        if (!channel.isActive()) return;
        isLate = true;
        ByteBuf out = channel.alloc().directBuffer().writeInt(FAILED);
        if (minor >= 8) putText(out, "wrong password");
        channel.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
    }

    private static void putText(ByteBuf out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length).writeBytes(bytes);
    }

    @Override
    public void clientInit() {
        ByteBuf out = channel.alloc().directBuffer().writeShort(updates.width()).writeShort(updates.height());
        RfbPixelFormat.OURS.writeTo(out);
        putText(out, server.name());
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
