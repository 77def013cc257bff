package sluice.vdev.rfb;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

import org.jspecify.annotations.Nullable;

/**
 * A VNC viewer for tests, written from RFC 6143 without a look at the server: its decoders share no code with the encoders.
 * It blocks; a TCP connection that is silent for ten seconds fails.
 */
public final class VncClient implements AutoCloseable {
    static final int RAW = 0;
    public static final int ZRLE = 16;
    static final int DESKTOP_SIZE = -223;
    static final int CURSOR = -239;
    static final int EXTENDED_DESKTOP_SIZE = -308;
    static final int CURSOR_WITH_ALPHA = -314;
    private static final int SILENCE_MILLIS = 10_000;

    /** A pixel format; {@code bits} 8, 16 or 32, and maximum and shift of red, green and blue. */
    record Format(int bits, int depth, boolean bigEndian, int[] max, int[] shift) {
        static final Format USUAL = new Format(32, 24, false, new int[]{ 255, 255, 255 }, new int[]{ 16, 8, 0 });

        /** How this format shows a pixel 0xRRGGBB, as 0xRRGGBB. */
        int seen(int pixel) {
            int seen = 0;
            for (int channel = 0; channel < 3; channel++) {
                int level = pixel >> (16 - 8 * channel) & 0xff;
                seen = seen << 8 | level(Math.round(level * max[channel] / 255f), channel);
            }
            return seen;
        }

        private int level(int value, int channel) {
            return value * 255 / max[channel];
        }

        int decoded(int value) {
            int pixel = 0;
            for (int channel = 0; channel < 3; channel++)
                pixel = pixel << 8 | level(value >>> shift[channel] & max[channel], channel);
            return pixel;
        }
    }

    private final AutoCloseable connection;
    final DataInputStream in;
    final DataOutputStream out;
    private final Inflater inflater = new Inflater();
    private Format format = Format.USUAL;
    private int[] map = new int[0];
    int width;
    int height;
    /** Rows of pixels 0xRRGGBB. */
    int[] pixels = new int[0];
    String name = "";
    /** The cursor, 0xAARRGGBB with the alpha 0 or 255 of a mask, or that of the guest; empty if hidden. */
    int @Nullable [] cursor;
    int hotX;
    int hotY;
    /** Reason and status of the last extended size, and how many sizes came. */
    int reason = -1;
    int status = -1;
    int sizes;
    int rectangles;
    long bytes;

    private VncClient(AutoCloseable connection, DataInputStream in, DataOutputStream out) {
        this.connection = connection;
        this.in = in;
        this.out = out;
    }

    /** Connected, and nothing said yet. */
    static VncClient connect(RfbAddress address) throws IOException {
        return switch (address) {
            case RfbAddress.Tcp tcp -> {
                Socket socket = new Socket();
                socket.connect(new InetSocketAddress(tcp.socket().getAddress(), tcp.socket().getPort()));
                socket.setSoTimeout(SILENCE_MILLIS);
                socket.setTcpNoDelay(true);
                yield new VncClient(socket,
                        new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream())),
                        new DataOutputStream(socket.getOutputStream()));
            }
            case RfbAddress.Unix unix -> {
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                channel.connect(UnixDomainSocketAddress.of(unix.path()));
                yield new VncClient(channel, new DataInputStream(Channels.newInputStream(channel)),
                        new DataOutputStream(Channels.newOutputStream(channel)));
            }
        };
    }

    /** A viewer without password after its handshake, over any connection. */
    public static VncClient over(AutoCloseable connection, InputStream in, OutputStream out) throws IOException {
        VncClient client = new VncClient(connection, new DataInputStream(in), new DataOutputStream(out));
        if (client.shakeHands(8, null) != 0) throw new AssertionError("refused");
        return client;
    }

    /** A viewer that the server has let in. */
    static VncClient admitted(AutoCloseable connection, InputStream in, OutputStream out) throws IOException {
        VncClient client = new VncClient(connection, new DataInputStream(in), new DataOutputStream(out));
        client.init();
        return client;
    }

    /** A viewer without password after its handshake. */
    public static VncClient open(RfbAddress address) throws IOException {
        VncClient client = connect(address);
        if (client.shakeHands(8, null) != 0) throw new AssertionError("refused");
        return client;
    }

    /** The handshake up to the security result, which is returned, and ServerInit if it is 0. */
    int shakeHands(int minor, @Nullable String password) throws IOException {
        byte[] greeting = new byte[12];
        in.readFully(greeting); // a server that has no room closes the connection
        String version = new String(greeting, StandardCharsets.US_ASCII);
        if (!version.equals("RFB 003.008\n")) throw new AssertionError(version);
        out.write("RFB 003.00%d\n".formatted(minor).getBytes(StandardCharsets.US_ASCII));
        int type;
        if (minor >= 7) {
            int count = in.readUnsignedByte();
            if (count != 1) throw new AssertionError(count + " security types");
            type = in.readUnsignedByte();
            out.write(type);
        } else {
            type = in.readInt();
        }
        if (type != (password == null ? 1 : 2)) throw new AssertionError("security type " + type);
        int result = 0;
        if (password != null) {
            out.write(response(in.readNBytes(16), password));
            result = in.readInt();
        } else if (minor >= 8) {
            result = in.readInt();
        }
        if (result == 0) init();
        return result;
    }

    /** ClientInit and ServerInit. */
    private void init() throws IOException {
        out.write(1);
        width = in.readUnsignedShort();
        height = in.readUnsignedShort();
        pixels = new int[width * height];
        byte[] given = in.readNBytes(16);
        if (!Arrays.equals(given, bytes(Format.USUAL))) throw new AssertionError(Arrays.toString(given));
        name = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    static byte[] response(byte[] challenge, String password) {
        byte[] key = new byte[8];
        byte[] text = password.getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < text.length; i++) {
            for (int bit = 0; bit < 8; bit++) key[i] |= (byte) ((text[i] >> bit & 1) << (7 - bit));
        }
        try {
            Cipher des = Cipher.getInstance("DES/ECB/NoPadding");
            des.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "DES"));
            return des.doFinal(challenge);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bytes(Format format) {
        ByteBuffer bytes = ByteBuffer.allocate(16).put((byte) format.bits).put((byte) format.depth)
                .put((byte) (format.bigEndian ? 1 : 0)).put((byte) 1);
        for (int max : format.max) bytes.putShort((short) max);
        for (int shift : format.shift) bytes.put((byte) shift);
        return bytes.array();
    }

    void setFormat(Format chosen) throws IOException {
        format = chosen;
        out.write(new byte[4]);
        out.write(bytes(chosen));
    }

    /** A pixel is an index into the server's colours. */
    void setMapped() throws IOException {
        format = new Format(8, 8, false, new int[]{ 255, 0, 0 }, new int[]{ 0, 0, 0 });
        out.write(ByteBuffer.allocate(20).put(4, (byte) 8).put(5, (byte) 8).array());
        if (in.readUnsignedByte() != 1) throw new AssertionError("no colour map");
        in.readByte();
        if (in.readUnsignedShort() != 0) throw new AssertionError("the map does not begin at 0");
        map = new int[in.readUnsignedShort()];
        for (int i = 0; i < map.length; i++)
            map[i] = (in.readUnsignedShort() >> 8) << 16 | (in.readUnsignedShort() >> 8) << 8
                    | in.readUnsignedShort() >> 8;
    }

    public void setEncodings(int... encodings) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(4 + 4 * encodings.length).put((byte) 2).put((byte) 0)
                .putShort((short) encodings.length);
        for (int encoding : encodings) message.putInt(encoding);
        out.write(message.array());
    }

    void request(boolean incremental) throws IOException {
        request(incremental, 0, 0, width, height);
    }

    void request(boolean incremental, int x, int y, int w, int h) throws IOException {
        out.write(ByteBuffer.allocate(10).put((byte) 3).put((byte) (incremental ? 1 : 0)).putShort((short) x)
                .putShort((short) y).putShort((short) w).putShort((short) h).array());
    }

    /** Presses or releases a key: RFC 6143, 7.5.4. */
    public void key(int keysym, boolean pressed) throws IOException {
        out.write(ByteBuffer.allocate(8).put((byte) 4).put((byte) (pressed ? 1 : 0)).putShort((short) 0).putInt(keysym)
                .array());
    }

    /** Sends the beginning of a message; nothing else follows. */
    public void cutOff() throws IOException {
        out.write(4);
    }

    void pointer(int buttons, int x, int y) throws IOException {
        out.write(ByteBuffer.allocate(6).put((byte) 5).put((byte) buttons).putShort((short) x).putShort((short) y)
                .array());
    }

    /** Receives one FramebufferUpdate. */
    void receive() throws IOException {
        int type = in.readUnsignedByte();
        if (type != 0) throw new AssertionError("message " + type);
        in.readByte();
        int count = in.readUnsignedShort();
        for (int i = 0; i < count; i++) rectangle();
    }

    /** Asks and receives, until every pixel is as expected; the connection's silence ends it otherwise. */
    public void await(int[] expected) throws IOException {
        while (!Arrays.equals(pixels, expected)) {
            request(true);
            receive();
        }
    }

    private void rectangle() throws IOException {
        int x = in.readUnsignedShort();
        int y = in.readUnsignedShort();
        int w = in.readUnsignedShort();
        int h = in.readUnsignedShort();
        int encoding = in.readInt();
        switch (encoding) {
            case RAW -> {
                requireInside(x, y, w, h);
                byte[] data = in.readNBytes(w * h * format.bits / 8);
                bytes += data.length;
                DataInputStream source = new DataInputStream(new ByteArrayInputStream(data));
                for (int row = 0; row < h; row++) {
                    for (int column = 0; column < w; column++)
                        pixels[(y + row) * width + x + column] = pixel(source, format.bits / 8, 0);
                }
            }
            case ZRLE -> {
                requireInside(x, y, w, h);
                zrle(x, y, w, h);
            }
            case DESKTOP_SIZE -> resize(w, h);
            case EXTENDED_DESKTOP_SIZE -> {
                reason = x;
                status = y;
                int screens = in.readUnsignedByte();
                in.readNBytes(3 + 16 * screens);
                if (reason != 1) resize(w, h);
            }
            case CURSOR -> {
                hotX = x;
                hotY = y;
                int[] shape = new int[w * h];
                for (int i = 0; i < shape.length; i++) shape[i] = pixel(in, format.bits / 8, 0);
                byte[] mask = in.readNBytes((w + 7) / 8 * h);
                for (int i = 0; i < shape.length; i++) {
                    if ((mask[i / w * ((w + 7) / 8) + i % w / 8] >> (7 - i % w % 8) & 1) != 0) shape[i] |= 0xff00_0000;
                }
                cursor = shape;
            }
            case CURSOR_WITH_ALPHA -> {
                if (in.readInt() != RAW) throw new AssertionError("a cursor that is not raw");
                hotX = x;
                hotY = y;
                int[] shape = new int[w * h];
                for (int i = 0; i < shape.length; i++) shape[i] = Integer.rotateRight(in.readInt(), 8);
                cursor = shape;
            }
            default -> throw new AssertionError("encoding " + encoding);
        }
    }

    private void requireInside(int x, int y, int w, int h) {
        rectangles++;
        if (w == 0 || h == 0 || x + w > width || y + h > height)
            throw new AssertionError("%d×%d at %d,%d of %d×%d".formatted(w, h, x, y, width, height));
    }

    private void resize(int w, int h) {
        sizes++;
        width = w;
        height = h;
        pixels = new int[w * h];
    }

    /** Reads a pixel of so many bytes, whose value is shifted to the left afterwards. */
    private int pixel(DataInputStream source, int count, int shift) throws IOException {
        int value = 0;
        for (int i = 0; i < count; i++) {
            int next = source.readUnsignedByte();
            value |= next << (8 * (format.bigEndian ? count - 1 - i : i));
        }
        value <<= shift;
        return map.length > 0 ? map[value] : format.decoded(value);
    }

    private void zrle(int x, int y, int w, int h) throws IOException {
        byte[] data = in.readNBytes(in.readInt());
        bytes += data.length;
        inflater.setInput(data);
        byte[] plain = new byte[w * h * 5 + 1024];
        int length = 0;
        try {
            for (int got = 1; got > 0; length += got) got = inflater.inflate(plain, length, plain.length - length);
        } catch (DataFormatException e) {
            throw new IOException(e);
        }
        if (inflater.getRemaining() != 0) throw new AssertionError("compressed bytes are left over");
        DataInputStream source = new DataInputStream(new ByteArrayInputStream(plain, 0, length));
        for (int top = 0; top < h; top += 64) {
            for (int left = 0; left < w; left += 64)
                tile(source, x + left, y + top, Math.min(64, w - left), Math.min(64, h - top));
        }
        if (source.available() != 0) throw new AssertionError(source.available() + " bytes behind the last tile");
    }

    private int compressed(DataInputStream source) throws IOException {
        if (map.length == 0 && format.bits == 32 && format.depth <= 24) {
            boolean low = true;
            boolean high = true;
            for (int i = 0; i < 3; i++) {
                low &= (long) format.max[i] << format.shift[i] < 1 << 24;
                high &= format.shift[i] >= 8;
            }
            if (low || high) return pixel(source, 3, low ? 0 : 8);
        }
        return pixel(source, format.bits / 8, 0);
    }

    private void tile(DataInputStream source, int x, int y, int w, int h) throws IOException {
        int kind = source.readUnsignedByte();
        int colours = kind & 0x7f;
        if (kind == 129 || (kind >= 17 && kind < 128)) throw new AssertionError("subencoding " + kind);
        int[] palette = new int[colours];
        for (int i = 0; i < colours; i++) palette[i] = compressed(source);
        int[] tile = new int[w * h];
        if (kind == 0) {
            for (int i = 0; i < tile.length; i++) tile[i] = compressed(source);
        } else if (kind == 1) {
            Arrays.fill(tile, palette[0]);
        } else if (kind <= 16) {
            int bits = colours == 2 ? 1 : colours <= 4 ? 2 : 4;
            for (int row = 0; row < h; row++) {
                byte[] packed = source.readNBytes((w * bits + 7) / 8);
                for (int column = 0; column < w; column++) {
                    int at = column * bits;
                    tile[row * w + column] = palette[packed[at / 8] >> (8 - bits - at % 8) & (1 << bits) - 1];
                }
            }
        } else {
            for (int at = 0; at < tile.length;) {
                int index = colours == 0 ? 128 : source.readUnsignedByte();
                int colour = colours == 0 ? compressed(source) : palette[index & 0x7f];
                int run = 1;
                if ((index & 128) != 0) {
                    int more;
                    do {
                        more = source.readUnsignedByte();
                        run += more;
                    } while (more == 255);
                }
                Arrays.fill(tile, at, at + run, colour);
                at += run;
            }
        }
        for (int row = 0; row < h; row++) System.arraycopy(tile, row * w, pixels, (y + row) * width + x, w);
    }

    /** Reads until the server closes the connection. */
    void awaitEnd() throws IOException {
        try {
            in.skip(Long.MAX_VALUE);
            while (in.read() >= 0)
                in.skip(Long.MAX_VALUE);
        } catch (java.net.SocketException e) {
            if (!String.valueOf(e.getMessage()).contains("reset")) throw e;
        }
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        try {
            connection.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
