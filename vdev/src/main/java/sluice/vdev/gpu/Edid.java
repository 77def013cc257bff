package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Builds an EDID block for a display without one: it has one mode, the size of the display (VESA E-EDID standard 1.4).
 */
final class Edid {
    static final int BYTES = 128;

    private static final int REFRESH_HZ = 60;
    // Blanking as in VESA's reduced-blanking timings (CVT-RB); not used to drive a cable.
    private static final int HORIZONTAL_BLANKING = 160;
    private static final int HORIZONTAL_FRONT = 48;
    private static final int HORIZONTAL_SYNC = 32;
    private static final int VERTICAL_BLANKING = 45;
    private static final int VERTICAL_FRONT = 3;
    private static final int VERTICAL_SYNC = 6;
    /** Sizes in a timing have 12 bits. */
    private static final int MAX_SIDE = 4095;
    private static final int MAX_CLOCK = 0xffff;
    private static final double MM_PER_PIXEL = 25.4 / 96;

    private Edid() {}

    /** The block for a display of {@code width} × {@code height} pixels, clamped to the range of a timing. */
    static byte[] of(long width, long height) {
        int columns = Math.clamp(width, 1, MAX_SIDE);
        int rows = Math.clamp(height, 1, MAX_SIDE);
        byte[] block = new byte[BYTES];
        ByteBuffer edid = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
        edid.put(new byte[]{ 0, -1, -1, -1, -1, -1, -1, 0 });
        edid.order(ByteOrder.BIG_ENDIAN).putShort(manufacturer("SLU")).order(ByteOrder.LITTLE_ENDIAN);
        edid.putShort((short) 1).putInt(1); // product, serial number
        edid.put((byte) 0).put((byte) 36); // manufactured in 2026
        edid.put((byte) 1).put((byte) 4); // EDID 1.4
        edid.put((byte) 0xa5); // digital, 8 bits a colour, DisplayPort
        edid.put((byte) Math.clamp(Math.round(columns * MM_PER_PIXEL / 10), 1, 255));
        edid.put((byte) Math.clamp(Math.round(rows * MM_PER_PIXEL / 10), 1, 255));
        edid.put((byte) 120); // gamma 2.2
        edid.put((byte) 0x06); // sRGB, and the first timing is the native one
        edid.put(new byte[]{ (byte) 0xee, (byte) 0x91, (byte) 0xa3, 0x54, 0x4c, (byte) 0x99, 0x26, 0x0f, 0x50, 0x54 });
        edid.put(new byte[]{ 0, 0, 0 }); // no established timings
        edid.put(filled(16, 1)); // no standard timings
        timing(edid, columns, rows);
        name(edid, "Sluice");
        edid.put(dummy()).put(dummy());
        edid.put((byte) 0); // no extension
        block[BYTES - 1] = checksum(block);
        return block;
    }

    /** Three letters of five bits each. */
    private static short manufacturer(String letters) {
        int packed = 0;
        for (char letter : letters.toCharArray()) packed = packed << 5 | letter - 'A' + 1;
        return (short) packed;
    }

    private static void timing(ByteBuffer edid, int columns, int rows) {
        long clock = (long) (columns + HORIZONTAL_BLANKING) * (rows + VERTICAL_BLANKING) * REFRESH_HZ / 10_000;
        edid.putShort((short) Math.min(clock, MAX_CLOCK));
        edid.put((byte) columns).put((byte) HORIZONTAL_BLANKING).put((byte) (columns >> 8 << 4));
        edid.put((byte) rows).put((byte) VERTICAL_BLANKING).put((byte) (rows >> 8 << 4));
        edid.put((byte) HORIZONTAL_FRONT).put((byte) HORIZONTAL_SYNC);
        edid.put((byte) (VERTICAL_FRONT << 4 | VERTICAL_SYNC)).put((byte) 0);
        int millimetresWide = (int) Math.round(columns * MM_PER_PIXEL);
        int millimetresHigh = (int) Math.round(rows * MM_PER_PIXEL);
        edid.put((byte) millimetresWide).put((byte) millimetresHigh);
        edid.put((byte) (millimetresWide >> 8 << 4 | millimetresHigh >> 8));
        edid.put((byte) 0).put((byte) 0); // no border
        edid.put((byte) 0x1a); // digital separate sync, horizontal positive
    }

    private static void name(ByteBuffer edid, String name) {
        edid.put(new byte[]{ 0, 0, 0, (byte) 0xfc, 0 });
        byte[] text = filled(13, ' ');
        byte[] letters = name.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(letters, 0, text, 0, letters.length);
        text[letters.length] = '\n';
        edid.put(text);
    }

    private static byte[] dummy() {
        byte[] descriptor = new byte[18];
        descriptor[3] = 0x10;
        return descriptor;
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static byte checksum(byte[] block) {
        int sum = 0;
        for (byte b : block) sum += b;
        return (byte) -sum;
    }
}
