package sluice.vdev.rfb;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;

import sluice.vdev.io.AccessToken;
import sluice.vdev.io.ProtocolViolation;
import sluice.vdev.io.TlsCertificate;

/**
 * How one viewer is let in: its version, the security type (RFC 6143 §7.1.1 to 7.1.3), and VeNCrypt 0.2 (rfbproto.rst), which puts
 * TLS under what follows. On the server's loop.
 */
final class Admission implements ClientDecoder.Handshake {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int ACCEPTED = 1;
    private static final int REFUSED = 255;
    private static final int VENCRYPT_MAJOR = 0;
    private static final int VENCRYPT_MINOR = 2;

    private final RfbServer server;
    private final RfbSecurity security;
    private final String viewer;
    private final Channel channel;
    private final Consumer<ClientDecoder.Phase> next;
    private final byte[] challenge;
    private int minor;
    /** Chosen sub-type of VeNCrypt. */
    private int chosen;

    /**
     * @param viewer for the log
     * @param next takes what is to be decoded next
     */
    Admission(RfbServer server, RfbSecurity security, String viewer, Channel channel,
            Consumer<ClientDecoder.Phase> next) {
        this.server = server;
        this.security = security;
        this.viewer = viewer;
        this.channel = channel;
        this.next = next;
        VncAuthentication password = security.password();
        challenge = password == null ? new byte[0] : password.challenge();
    }

    private ByteBuf buffer() {
        return channel.alloc().directBuffer();
    }

    private void send(ByteBuf bytes) {
        channel.writeAndFlush(bytes, channel.voidPromise());
    }

    @Override
    public void version(int offered) throws ProtocolViolation {
        minor = offered;
        int type = SecurityType.of(security);
        if (minor >= 7) {
            send(buffer().writeByte(1).writeByte(type));
            next.accept(ClientDecoder.Phase.SECURITY_TYPE);
            return;
        }
        switch (type) {
            case SecurityType.VNC -> challenge(buffer().writeInt(type));
            case SecurityType.NONE -> {
                send(buffer().writeInt(type));
                next.accept(ClientDecoder.Phase.CLIENT_INIT);
            }
            default -> {
                String why = "this screen needs TLS: a viewer of RFB 3.7 or later, with VeNCrypt";
                ByteBuf out = buffer().writeInt(SecurityType.INVALID);
                putText(out, why);
                send(out);
                throw new ProtocolViolation(why);
            }
        }
    }

    @Override
    public void securityType(int type) throws ProtocolViolation {
        int offered = SecurityType.of(security);
        if (type != offered)
            throw new ProtocolViolation("security type %d was not offered; %d was".formatted(type, offered));
        switch (type) {
            case SecurityType.VNC -> challenge(buffer());
            case SecurityType.NONE -> {
                if (minor >= 8) send(buffer().writeInt(OK));
                next.accept(ClientDecoder.Phase.CLIENT_INIT);
            }
            default -> {
                send(buffer().writeByte(VENCRYPT_MAJOR).writeByte(VENCRYPT_MINOR));
                next.accept(ClientDecoder.Phase.VENCRYPT_VERSION);
            }
        }
    }

    private void challenge(ByteBuf out) {
        send(out.writeBytes(challenge));
        next.accept(ClientDecoder.Phase.RESPONSE);
    }

    @Override
    public void venCryptVersion(int major, int minorOfIt) throws ProtocolViolation {
        if (major != VENCRYPT_MAJOR || minorOfIt != VENCRYPT_MINOR) {
            send(buffer().writeByte(REFUSED));
            throw new ProtocolViolation("VeNCrypt %d.%d is not spoken; %d.%d is".formatted(major, minorOfIt,
                    VENCRYPT_MAJOR, VENCRYPT_MINOR));
        }
        List<Integer> types = SecurityType.ofVeNCrypt(security);
        ByteBuf out = buffer().writeByte(OK).writeByte(types.size());
        for (int type : types) out.writeInt(type);
        send(out);
        next.accept(ClientDecoder.Phase.VENCRYPT_TYPE);
    }

    @Override
    public void venCryptType(int type) throws ProtocolViolation {
        List<Integer> types = SecurityType.ofVeNCrypt(security);
        TlsCertificate certificate = security.certificate();
        if (certificate == null || !types.contains(type)) {
            send(buffer().writeByte(0));
            throw new ProtocolViolation(
                    "sub-type %s of VeNCrypt is none of %s".formatted(Integer.toUnsignedString(type), types));
        }
        chosen = type;
        send(buffer().writeByte(ACCEPTED));
        next.accept(ClientDecoder.Phase.TLS);
        channel.pipeline().addFirst(certificate.handler(channel.alloc()));
    }

    /** The connection is encrypted from here on. */
    void encrypted() {
        switch (chosen) {
            case SecurityType.X509_VNC -> challenge(buffer());
            case SecurityType.X509_PLAIN -> next.accept(ClientDecoder.Phase.CREDENTIALS);
            default -> admit();
        }
    }

    @Override
    public void response(byte[] response) {
        VncAuthentication password = security.password();
        judge(password != null && password.accepts(challenge, response), "wrong password");
    }

    @Override
    public void credentials(byte[] user, byte[] password) {
        AccessToken token = security.token();
        judge(token != null && token.is(new String(password, StandardCharsets.ISO_8859_1)), "wrong token");
    }

    private void judge(boolean isRight, String otherwise) {
        if (isRight) {
            admit();
            return;
        }
        next.accept(ClientDecoder.Phase.NOTHING);
        server.log().warn("{}: the viewer {} is disconnected: {}", server.name(), viewer, otherwise);
        // Late, so that nobody tries many.
        channel.eventLoop().schedule(() -> refuse(otherwise), server.limits().refusal().toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void admit() {
        send(buffer().writeInt(OK));
        next.accept(ClientDecoder.Phase.CLIENT_INIT);
    }

    private void refuse(String why) {
        if (!channel.isActive()) return;
        ByteBuf out = buffer().writeInt(FAILED);
        if (minor >= 8) putText(out, why);
        channel.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
    }

    static void putText(ByteBuf out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length).writeBytes(bytes);
    }
}
