package sluice.vdev.video;

import java.util.Objects;

/**
 * Lines that say which they are, so that a program in the guest can tell each byte that is old, or another's: 47 1f ff 10, then the
 * number of the frame and that of the line, big-endian, 32 bits each, and then bytes that follow from both: the one at offset i is
 * {@code frame * 31 + line * 7 + i}, modulo 256. It is no picture to look at.
 *
 * <p>A line of 188 bytes is a null packet of a transport stream (PID 0x1fff), which carries whatever it likes, and which players leave
 * out (ISO/IEC 13818-1 §2.4.3.3).
 */
public final class NumberedLines implements FrameSource {
    private static final byte[] START = { 0x47, 0x1f, (byte) 0xff, 0x10 };
    /** Bytes before those that follow from the numbers. */
    private static final int HEADER = 12;

    /**
     * Fills {@code target} with lines.
     *
     * @param width bytes of a line, 12 at least
     */
    @Override
    public void fill(long frame, int width, int height, byte[] target) {
        Objects.checkIndex(HEADER, width + 1);
        for (int line = 0; line < height; line++) {
            int at = line * width;
            System.arraycopy(START, 0, target, at, START.length);
            put(target, at + START.length, (int) frame);
            put(target, at + START.length + Integer.BYTES, line);
            int shift = (int) frame * 31 + line * 7;
            for (int i = HEADER; i < width; i++) target[at + i] = (byte) (shift + i);
        }
    }

    private static void put(byte[] target, int at, int value) {
        for (int i = 0; i < Integer.BYTES; i++)
            target[at + i] = (byte) (value >>> (Byte.SIZE * (Integer.BYTES - 1 - i)));
    }
}
