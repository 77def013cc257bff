package sluice.vdev.rfb;

import java.nio.charset.StandardCharsets;

import io.netty.buffer.ByteBuf;

import sluice.vdev.io.ProtocolViolation;

/**
 * Decodes what a viewer sends (RFC 6143 §7.1 to 7.5, and VeNCrypt of rfbproto.rst), in pieces of any size. It keeps no bytes: what is long, as a list of
 * encodings or a clipboard, is taken as it comes. Unsigned numbers stay as they are; the receiver checks them against
 * the screen.
 */
final class ClientDecoder {
    /** The longest clipboard that is skipped; one that is longer ends the connection. */
    static final int MAX_CUT_TEXT = 256 << 10;
    /** The longest user name, and the longest password, of VeNCrypt's Plain. */
    static final int MAX_CREDENTIAL = 128;
    /** Bytes that a caller must keep at most until there are more. */
    static final int MAX_PIECE = 8 + 2 * MAX_CREDENTIAL;
    private static final int VERSION_BYTES = 12;
    private static final int RESPONSE_BYTES = 16;

    /** Receives how a viewer asks to be let in. After an exception of one of these nothing more is decoded. */
    interface Handshake {
        /** @param minor of the viewer's version 3.x: 3, 7 or 8 */
        void version(int minor) throws ProtocolViolation;

        void securityType(int type) throws ProtocolViolation;

        void venCryptVersion(int major, int minor) throws ProtocolViolation;

        /** @param type a sub-type of VeNCrypt, unsigned */
        void venCryptType(int type) throws ProtocolViolation;

        /** @param response to the challenge, 16 bytes */
        void response(byte[] response) throws ProtocolViolation;

        /** @param user and {@code password}, up to {@link #MAX_CREDENTIAL} bytes each */
        void credentials(byte[] user, byte[] password) throws ProtocolViolation;
    }

    /** Receives what a viewer says that was let in. After an exception of one of these nothing more is decoded. */
    interface Messages {
        void clientInit();

        void pixelFormat(RfbPixelFormat format);

        /** A list of encodings begins. */
        void encodings();

        /** The next of the list, in order of preference. */
        void encoding(int encoding);

        /** The list ends. */
        void encodingsEnd();

        void updateRequest(boolean isIncremental, int x, int y, int width, int height);

        void key(int keysym, boolean pressed);

        /** @param buttons a bit for each, the left one lowest */
        void pointer(int buttons, int x, int y);

        /** The viewer would like the screen to have another size. */
        void desktopSize();
    }

    /** What comes next. */
    enum Phase {
        VERSION,
        SECURITY_TYPE,
        VENCRYPT_VERSION,
        VENCRYPT_TYPE,
        /** A TLS handshake, which is not decoded here. */
        TLS,
        RESPONSE,
        CREDENTIALS,
        CLIENT_INIT,
        MESSAGES,
        NOTHING
    }

    private final Handshake handshake;
    private final Messages receiver;
    private Phase phase = Phase.VERSION;
    /** Encodings that are still to come, or bytes to be skipped. */
    private int encodingsLeft;
    private int skipLeft;
    private long completed;

    ClientDecoder(Handshake handshake, Messages receiver) {
        this.handshake = handshake;
        this.receiver = receiver;
    }

    /** Called by the receivers, which decide how it goes on. */
    void expect(Phase next) {
        phase = next;
    }

    Phase phase() {
        return phase;
    }

    /** Number of messages that have ended. */
    long completed() {
        return completed;
    }

    /** Whether a message has begun and not ended, besides the bytes that were not consumed. */
    boolean isInside() {
        return encodingsLeft > 0 || skipLeft > 0;
    }

    /**
     * Decodes all complete parts; what is left, less than {@link #MAX_PIECE} bytes, is passed again with more bytes behind.
     *
     * @throws ProtocolViolation the viewer broke the protocol, or the receiver refused
     */
    void decode(ByteBuf in) throws ProtocolViolation {
        while (phase != Phase.NOTHING && step(in)) {
            if (!isInside()) completed++;
        }
        if (phase == Phase.NOTHING) in.skipBytes(in.readableBytes());
    }

    private boolean step(ByteBuf in) throws ProtocolViolation {
        if (skipLeft > 0) return skip(in);
        if (encodingsLeft > 0) return encoding(in);
        return switch (phase) {
            case VERSION -> version(in);
            case SECURITY_TYPE -> {
                if (!in.isReadable()) yield false;
                handshake.securityType(in.readUnsignedByte());
                yield true;
            }
            case VENCRYPT_VERSION -> {
                if (in.readableBytes() < 2) yield false;
                handshake.venCryptVersion(in.readUnsignedByte(), in.readUnsignedByte());
                yield true;
            }
            case VENCRYPT_TYPE -> {
                if (in.readableBytes() < Integer.BYTES) yield false;
                handshake.venCryptType(in.readInt());
                yield true;
            }
            case TLS -> {
                // Otherwise what somebody else has put before the handshake would pass for the viewer's.
                if (in.isReadable()) throw new ProtocolViolation("it goes on before TLS was agreed on");
                yield false;
            }
            case CREDENTIALS -> credentials(in);
            case RESPONSE -> {
                if (in.readableBytes() < RESPONSE_BYTES) yield false;
                byte[] response = new byte[RESPONSE_BYTES];
                in.readBytes(response);
                handshake.response(response);
                yield true;
            }
            case CLIENT_INIT -> {
                if (!in.isReadable()) yield false;
                in.skipBytes(1); // whether others may stay connected: they do
                receiver.clientInit();
                yield true;
            }
            case MESSAGES -> message(in);
            case NOTHING -> false;
        };
    }

    private boolean version(ByteBuf in) throws ProtocolViolation {
        if (in.readableBytes() < VERSION_BYTES) return false;
        byte[] text = new byte[VERSION_BYTES];
        in.readBytes(text);
        String version = new String(text, StandardCharsets.ISO_8859_1);
        if (!version.matches("RFB 003\\.[0-9]{3}\n")) throw new ProtocolViolation("not a version of RFB 3");
        int minor = Integer.parseInt(version.substring(8, 11));
        // RFC 6143 §7.1.1: what is not known is 3.3; macOS says 3.889.
        handshake.version(minor >= 8 ? 8 : minor == 7 ? 7 : 3);
        return true;
    }

    /** VeNCrypt's Plain: two lengths, and what has them. */
    private boolean credentials(ByteBuf in) throws ProtocolViolation {
        if (in.readableBytes() < 2 * Integer.BYTES) return false;
        long user = in.getUnsignedInt(in.readerIndex());
        long password = in.getUnsignedInt(in.readerIndex() + Integer.BYTES);
        if (user > MAX_CREDENTIAL || password > MAX_CREDENTIAL)
            throw new ProtocolViolation(
                    "a user name of %d bytes and a password of %d; the limit is %d".formatted(user, password,
                            MAX_CREDENTIAL));
        if (in.readableBytes() < 2 * Integer.BYTES + user + password) return false;
        in.skipBytes(2 * Integer.BYTES);
        byte[] name = new byte[(int) user];
        byte[] secret = new byte[(int) password];
        in.readBytes(name).readBytes(secret);
        handshake.credentials(name, secret);
        return true;
    }

    private boolean skip(ByteBuf in) {
        int bytes = Math.min(skipLeft, in.readableBytes());
        in.skipBytes(bytes);
        skipLeft -= bytes;
        return bytes > 0;
    }

    private boolean encoding(ByteBuf in) {
        if (in.readableBytes() < Integer.BYTES) return false;
        receiver.encoding(in.readInt());
        encodingsLeft--;
        if (encodingsLeft == 0) receiver.encodingsEnd();
        return true;
    }

    private boolean message(ByteBuf in) throws ProtocolViolation {
        if (!in.isReadable()) return false;
        int type = in.getUnsignedByte(in.readerIndex());
        int bytes = switch (type) {
            case 0 -> 4 + RfbPixelFormat.BYTES;
            case 2 -> 4;
            case 3 -> 10;
            case 4, 6, 251 -> 8;
            case 5 -> 6;
            default -> throw new ProtocolViolation("unknown message %d".formatted(type));
        };
        if (in.readableBytes() < bytes) return false;
        in.skipBytes(1);
        switch (type) {
            case 0 -> {
                in.skipBytes(3);
                receiver.pixelFormat(RfbPixelFormat.read(in));
            }
            case 2 -> {
                in.skipBytes(1);
                encodingsLeft = in.readUnsignedShort();
                receiver.encodings();
                if (encodingsLeft == 0) receiver.encodingsEnd();
            }
            case 3 -> receiver.updateRequest(in.readUnsignedByte() != 0, in.readUnsignedShort(),
                    in.readUnsignedShort(), in.readUnsignedShort(), in.readUnsignedShort());
            case 4 -> {
                boolean pressed = in.readUnsignedByte() != 0;
                in.skipBytes(2);
                receiver.key(in.readInt(), pressed);
            }
            case 5 -> receiver.pointer(in.readUnsignedByte(), in.readUnsignedShort(), in.readUnsignedShort());
            case 6 -> {
                in.skipBytes(3);
                long length = in.readUnsignedInt();
                if (length > MAX_CUT_TEXT)
                    throw new ProtocolViolation(
                            "a clipboard of %d bytes; the limit is %d".formatted(length, MAX_CUT_TEXT));
                skipLeft = (int) length;
            }
            default -> {
                in.skipBytes(5);
                skipLeft = in.readUnsignedByte() * 16;
                in.skipBytes(1);
                receiver.desktopSize();
            }
        }
        return true;
    }
}
