package sluice.vdev.rfb;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.io.ProtocolViolation;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What a fuzzer sends as a viewer: in whatever pieces it comes, the same is decoded, little is kept, and nothing but a
 * violation ends it.
 *
 * <p>An input is: a byte for the kind of security, one for the size of the pieces, and what the viewer sends.
 */
class ClientFuzzTest {
    /** A server without anything behind it, that writes down what it is told. */
    private static final class Listing implements ClientDecoder.Handshake, ClientDecoder.Messages {
        private final List<String> told = new ArrayList<>();
        private final ClientDecoder decoder = new ClientDecoder(this, this);
        private final boolean hasPassword;
        private final boolean isTls;
        private int listed;
        private int hash;

        /** @param security bit 0: there is a password; bit 1: VeNCrypt, whose TLS is left out */
        Listing(int security) {
            hasPassword = (security & 1) != 0;
            isTls = (security & 2) != 0;
        }

        @Override
        public void version(int minor) {
            told.add("version " + minor);
            decoder.expect(minor >= 7 ? ClientDecoder.Phase.SECURITY_TYPE : next());
        }

        private ClientDecoder.Phase next() {
            return hasPassword ? ClientDecoder.Phase.RESPONSE : ClientDecoder.Phase.CLIENT_INIT;
        }

        @Override
        public void securityType(int type) throws ProtocolViolation {
            told.add("security " + type);
            if (type != (isTls ? 19 : hasPassword ? 2 : 1)) throw new ProtocolViolation("not offered");
            decoder.expect(isTls ? ClientDecoder.Phase.VENCRYPT_VERSION : next());
        }

        @Override
        public void venCryptVersion(int major, int minor) {
            told.add("VeNCrypt %d.%d".formatted(major, minor));
            decoder.expect(ClientDecoder.Phase.VENCRYPT_TYPE);
        }

        @Override
        public void venCryptType(int type) {
            told.add("sub-type " + type);
            decoder.expect(switch (type) {
                case SecurityType.X509_PLAIN -> ClientDecoder.Phase.CREDENTIALS;
                case SecurityType.X509_VNC -> ClientDecoder.Phase.RESPONSE;
                default -> ClientDecoder.Phase.TLS;
            });
        }

        @Override
        public void credentials(byte[] user, byte[] password) {
            told.add("user %s, password %s".formatted(HexFormat.of().formatHex(user),
                    HexFormat.of().formatHex(password)));
            decoder.expect(ClientDecoder.Phase.CLIENT_INIT);
        }

        @Override
        public void response(byte[] response) {
            told.add("response " + HexFormat.of().formatHex(response));
            decoder.expect(response[0] == 0 ? ClientDecoder.Phase.NOTHING : ClientDecoder.Phase.CLIENT_INIT);
        }

        @Override
        public void clientInit() {
            told.add("init");
            decoder.expect(ClientDecoder.Phase.MESSAGES);
        }

        @Override
        public void pixelFormat(RfbPixelFormat format) {
            int[] pixels = { 0, 0xffffff, 0x123456, 0x804020 };
            format.convert(pixels, pixels.length);
            byte[] bytes = new byte[16];
            int end = 0;
            for (int pixel : pixels) {
                assertThat(format.putCompressed(bytes, end, pixel)).isEqualTo(end + format.compressedBytes());
                end = format.put(bytes, end, pixel);
            }
            assertThat(end).isEqualTo(4 * format.pixelBytes());
            told.add("format " + HexFormat.of().formatHex(bytes));
        }

        @Override
        public void encodings() {
            listed = 0;
            hash = 1;
        }

        @Override
        public void encoding(int encoding) {
            listed++;
            hash = 31 * hash + encoding;
        }

        @Override
        public void encodingsEnd() {
            told.add("%d encodings, %d".formatted(listed, hash));
        }

        @Override
        public void updateRequest(boolean isIncremental, int x, int y, int width, int height) {
            told.add("update %b %d %d %d %d".formatted(isIncremental, x, y, width, height));
        }

        @Override
        public void key(int keysym, boolean pressed) {
            told.add("key %d %b %d %b".formatted(keysym, pressed, Keysyms.key(keysym), Keysyms.isShifted(keysym)));
        }

        @Override
        public void pointer(int buttons, int x, int y) {
            told.add("pointer %d %d %d".formatted(buttons, x, y));
        }

        @Override
        public void desktopSize() {
            told.add("size");
        }

        /** Everything it is told of these bytes in pieces of this size, and the violation at the end. */
        List<String> of(byte[] bytes, int piece) {
            ByteBuf kept = Unpooled.buffer();
            try {
                for (int at = 0; at < bytes.length; at += piece) {
                    ByteBuf in = Unpooled.buffer().writeBytes(kept)
                            .writeBytes(bytes, at, Math.min(piece, bytes.length - at));
                    kept.clear();
                    decoder.decode(in);
                    assertThat(in.readableBytes()).as("bytes that must be kept").isLessThan(ClientDecoder.MAX_PIECE);
                    kept.writeBytes(in);
                }
            } catch (ProtocolViolation e) {
                told.add("violation: " + e.getMessage());
            }
            return told;
        }
    }

    private static byte[] seed(int security, int piece, byte[]... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(security);
        bytes.write(piece);
        for (byte[] part : parts) bytes.writeBytes(part);
        return bytes.toByteArray();
    }

    private static byte[] version(int minor) {
        return "RFB 003.%03d\n".formatted(minor).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
        return bytes;
    }

    private static byte[] format(int bits, int depth, int max, int... shifts) {
        ByteBuffer message = ByteBuffer.allocate(20).put(4, (byte) bits).put(5, (byte) depth).put(7, (byte) 1);
        for (int i = 0; i < 3; i++) message.putShort(8 + 2 * i, (short) max).put(14 + i, (byte) shifts[i]);
        return message.array();
    }

    private static byte[] encodings(int count, int... encodings) {
        ByteBuffer message = ByteBuffer.allocate(4 + 4 * encodings.length).put((byte) 2).put((byte) 0)
                .putShort((short) count);
        for (int encoding : encodings) message.putInt(encoding);
        return message.array();
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        byte[] request = bytes(3, 1, 0, 0, 0, 0, 5, 0, 3, 0x20);
        byte[] cut = ByteBuffer.allocate(8).put((byte) 6).putInt(4, 3).array();
        SeedCorpus.check(ClientFuzzTest.class, "messages", Map.of(
                "a-usual-session",
                seed(0, 40, version(8), bytes(1, 1), format(32, 24, 255, 16, 8, 0),
                        encodings(4, 16, 0, -239, -308), request, bytes(4, 1, 0, 0, 0, 0, 0, 0x41),
                        bytes(5, 1, 0, 7, 0, 9), cut, bytes('a', 'b', 'c'), request),
                "byte-by-byte", seed(0, 0, version(7), bytes(1, 0), format(16, 16, 31, 11, 5, 0), encodings(1, 16),
                        request),
                "a-password", seed(1, 7, version(8), bytes(2), new byte[15], bytes(9), bytes(1), request),
                "a-wrong-password", seed(1, 7, version(3), new byte[16], bytes(1), request),
                "version-3", seed(0, 3, version(3), bytes(0), request, bytes(251, 0, 4, 0, 3, 0, 1, 0), new byte[16]),
                "a-long-clipboard", seed(0, 9, version(889), bytes(1, 0, 6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff)),
                "a-giant-list", seed(0, 200, version(8), bytes(1, 0), encodings(0xffff, 1, 2, 3)),
                "an-impossible-format", seed(0, 200, version(8), bytes(1, 0), format(32, 24, 0xffff, 16, 24, 0)),
                "a-map", seed(0, 200, version(8), bytes(1, 0), bytes(0, 0, 0, 0, 8, 8), new byte[14], request),
                "another-protocol", seed(0, 200, "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII))));
        SeedCorpus.check(ClientFuzzTest.class, "messages", Map.of(
                "a-token-over-tls",
                seed(2, 5, version(8), bytes(19, 0, 2), bytes(0, 0, 1, 6), bytes(0, 0, 0, 2, 0, 0, 0, 3, 'm', 'e'),
                        bytes('k', 'e', 'y', 1), request),
                "bytes-before-tls", seed(2, 200, version(8), bytes(19, 0, 2), bytes(0, 0, 1, 4, 22, 3, 1))));
    }

    @FuzzTest
    void messages(byte[] input) {
        FuzzInput in = new FuzzInput(input);
        int security = in.u8();
        int piece = 1 + in.u8();
        byte[] bytes = in.rest();
        List<String> whole = new Listing(security).of(bytes, Math.max(1, bytes.length));
        assertThat(new Listing(security).of(bytes, piece)).isEqualTo(whole);
    }
}
