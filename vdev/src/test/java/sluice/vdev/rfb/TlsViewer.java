package sluice.vdev.rfb;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * The way of a test's viewer through VeNCrypt 0.2, written from the community's rfbproto.rst, one step at a time. It blocks; a
 * connection that is silent for ten seconds fails.
 */
final class TlsViewer implements AutoCloseable {
    private static final int SILENCE_MILLIS = 10_000;
    private static final byte[] VERSION = "RFB 003.008\n".getBytes(StandardCharsets.US_ASCII);

    private final InetSocketAddress address;
    private Socket socket = new Socket();
    DataInputStream in;
    DataOutputStream out;

    TlsViewer(RfbAddress to) throws IOException {
        InetSocketAddress bound = ((RfbAddress.Tcp) to).socket();
        address = new InetSocketAddress(bound.getAddress(), bound.getPort());
        socket.connect(address);
        socket.setSoTimeout(SILENCE_MILLIS);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(socket.getOutputStream());
    }

    /** Up to the one security type that is offered, which is returned. */
    int securityType() throws IOException {
        in.readNBytes(VERSION.length);
        out.write(VERSION);
        if (in.readUnsignedByte() != 1) throw new AssertionError("not one security type");
        return in.readUnsignedByte();
    }

    /** Up to the sub-types that are offered. */
    List<Integer> subTypes() throws IOException {
        int type = securityType();
        if (type != 19) throw new AssertionError("security type " + type);
        out.write(type);
        if (in.readUnsignedShort() != 2) throw new AssertionError("not VeNCrypt 0.2");
        out.writeShort(2);
        if (in.readUnsignedByte() != 0) throw new AssertionError("VeNCrypt 0.2 is refused");
        List<Integer> types = new ArrayList<>();
        for (int left = in.readUnsignedByte(); left > 0; left--) types.add(in.readInt());
        return types;
    }

    /** Chooses one; the server's answer. */
    int choose(int type) throws IOException {
        out.writeInt(type);
        return in.readUnsignedByte();
    }

    /** Goes on in TLS. */
    void encrypt(SSLContext context, String... protocols) throws IOException {
        SSLSocket encrypted = (SSLSocket) context.getSocketFactory().createSocket(socket,
                address.getAddress().getHostAddress(), address.getPort(), true);
        if (protocols.length > 0) encrypted.setEnabledProtocols(protocols);
        encrypted.startHandshake();
        socket = encrypted;
        in = new DataInputStream(new BufferedInputStream(encrypted.getInputStream()));
        out = new DataOutputStream(encrypted.getOutputStream());
    }

    /** Sends a token as the password of a user; the result. */
    int plain(String user, String token) throws IOException {
        out.writeInt(user.length());
        out.writeInt(token.length());
        out.writeBytes(user + token);
        return in.readInt();
    }

    /** Proves that it knows a password; the result. */
    int vnc(String password) throws IOException {
        out.write(VncClient.response(in.readNBytes(16), password));
        return in.readInt();
    }

    String reason() throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    /** Lets in, after a result of 0. */
    VncClient viewer() throws IOException {
        return VncClient.admitted(socket, in, out);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
