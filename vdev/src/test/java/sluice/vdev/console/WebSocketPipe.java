package sluice.vdev.console;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A WebSocket's client written from RFC 6455: its binary messages as two streams of bytes. What is silent for ten seconds fails.
 */
final class WebSocketPipe implements AutoCloseable {
    static final int BINARY = 2;
    static final int TEXT = 1;
    static final int CLOSE = 8;
    static final int PING = 9;
    static final int PONG = 10;
    private static final int FINAL = 0x80;
    private static final int MASKED = 0x80;
    private static final int SILENCE_MILLIS = 10_000;

    final Socket socket = new Socket();
    private final DataInputStream in;
    /** Of the message being read. */
    private int left;
    /** The status with which the peer has closed, 0 before. */
    int closed;

    private WebSocketPipe(InetSocketAddress address) throws IOException {
        socket.setSoTimeout(SILENCE_MILLIS);
        socket.connect(address);
        in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
    }

    /** @param path with the token */
    static WebSocketPipe open(InetSocketAddress address, String path) throws IOException {
        WebSocketPipe pipe = new WebSocketPipe(address);
        pipe.socket.getOutputStream().write("""
                GET %s HTTP/1.1\r
                Host: 127.0.0.1\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                Sec-WebSocket-Protocol: binary\r
                Origin: http://127.0.0.1\r
                \r
                """.formatted(path).getBytes(StandardCharsets.US_ASCII));
        StringBuilder answer = new StringBuilder();
        while (answer.indexOf("\r\n\r\n") < 0)
            answer.append((char) pipe.in.readUnsignedByte());
        if (!answer.toString().startsWith("HTTP/1.1 101 ")) throw new IOException(answer.toString());
        // The answer to the key above, of RFC 6455, section 1.3.
        if (!answer.toString().contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) throw new AssertionError(answer);
        return pipe;
    }

    void send(int opcode, byte[] bytes) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(14 + bytes.length).put((byte) (FINAL | opcode));
        if (bytes.length < 126) {
            frame.put((byte) (MASKED | bytes.length));
        } else {
            frame.put((byte) (MASKED | 127)).putLong(bytes.length);
        }
        byte[] mask = { 1, 2, 3, 4 };
        frame.put(mask);
        for (int i = 0; i < bytes.length; i++) frame.put((byte) (bytes[i] ^ mask[i & 3]));
        socket.getOutputStream().write(frame.array(), 0, frame.position());
    }

    /** Only a frame's head, which announces a payload. */
    void announce(long bytes) throws IOException {
        socket.getOutputStream()
                .write(ByteBuffer.allocate(14).put((byte) (FINAL | BINARY)).put((byte) (MASKED | 127)).putLong(bytes)
                        .putInt(0).array());
    }

    /** Reads a frame's head; returns its opcode. */
    int next() throws IOException {
        int opcode = in.readUnsignedByte() & 0xf;
        int length = in.readUnsignedByte();
        if (length == 126) length = in.readUnsignedShort();
        else if (length == 127) length = Math.toIntExact(in.readLong());
        left = length;
        if (opcode == CLOSE) {
            closed = in.readUnsignedShort();
            left = 0;
            in.skipNBytes(length - 2);
        }
        return opcode;
    }

    byte[] payload() throws IOException {
        return in.readNBytes(left);
    }

    /** Reads up to the peer's close, whose status is returned. */
    int awaitClose() throws IOException {
        while (next() != CLOSE)
            payload();
        return closed;
    }

    InputStream input() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int from, int length) throws IOException {
                if (length == 0) return 0;
                while (left == 0)
                    if (next() == CLOSE) return -1;
                int count = in.read(target, from, Math.min(length, left));
                left -= count;
                return count;
            }
        };
    }

    OutputStream output() {
        return new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                send(BINARY, new byte[]{ (byte) one });
            }

            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                send(BINARY, java.util.Arrays.copyOfRange(bytes, from, from + length));
            }
        };
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
