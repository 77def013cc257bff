package sluice.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.CRC32;

/** The grabber's pattern, written down a second time: what a test compares with is not the code it tests. */
final class GrabberPattern {
    static final int WIDTH = 768;
    static final int HEIGHT = 576;
    static final int BYTES = WIDTH * HEIGHT;

    private GrabberPattern() {}

    /** The first pixels of 32 bits, if a screen of them takes the bytes as they are. */
    static Picture asPixels(long frame, int width, int height) {
        int[] pixels = new int[width * height];
        ByteBuffer.wrap(picture(frame)).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(pixels);
        for (int i = 0; i < pixels.length; i++) pixels[i] |= 0xff00_0000;
        return new Picture(width, height, pixels);
    }

    private static byte[] picture(long frame) {
        byte[] picture = new byte[BYTES];
        for (int i = 0; i < BYTES; i++) {
            int x = i % WIDTH;
            int y = i / WIDTH;
            picture[i] = (byte) ((x ^ (3 * y)) + 7 * frame);
        }
        for (int i = 0; i < 4; i++) picture[i] = (byte) (frame >>> (24 - 8 * i));
        return picture;
    }

    /** MD5 in hexadecimal. */
    static String md5(long frame) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(picture(frame)));
    }

    /** CRC-32 in hexadecimal, eight digits. */
    static String crc(long frame) {
        CRC32 crc = new CRC32();
        crc.update(picture(frame));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }
}
