package sluice.vdev.video;

import java.util.Objects;

/**
 * Numbered lines, so that a program in the guest can detect every stale or foreign byte: 47 1f ff 10, then the numbers
 * of frame and line, big-endian, 32 bits each, then bytes computed from both: the one at offset i is {@code frame * 31
 * + line * 7 + i}, modulo 256. Not meant for viewing.
 *
 * <p>A line of 188 bytes is a null packet of a transport stream (PID 0x1fff), with arbitrary content, which players
 * discard (ISO/IEC 13818-1 §2.4.3.3).
 */
public final class NumberedLines implements FrameSource {
    private static final byte[] START = { 0x47, 0x1f, (byte) 0xff, 0x10 };
    /** Size of the header before the computed bytes. */
    private static final int HEADER = 12;

    /**
     * Fills {@code target} with lines.
     *
     * @param width bytes of a line, at least 12
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
