package sluice.vdev.codec.plain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Makes units of the plain coding, and says what their pictures are. */
public final class PlainUnits {
    public static final int BROKEN = PlainUnit.BROKEN;
    public static final int THROWS = PlainUnit.THROWS;
    public static final int SPINS = PlainUnit.SPINS;
    public static final int DEAF = PlainUnit.DEAF;

    private PlainUnits() {}

    /** A pattern in YU12. */
    public static ByteBuffer pattern(int width, int height, int seed, int order, int delay) {
        return ByteBuffer.allocate(PlainUnit.BYTES).order(ByteOrder.LITTLE_ENDIAN)
                .put(0, "SLPL".getBytes(StandardCharsets.US_ASCII))
                .putShort(4, (short) width).putShort(6, (short) height).put(10, (byte) delay).putInt(12, seed)
                .putInt(16, order);
    }

    /** A unit that does something wrong. */
    public static ByteBuffer deed(int width, int height, int deed) {
        return pattern(width, height, 0, 0, 0).put(11, (byte) deed);
    }

    /** The sample of a pattern at a place of a plane. */
    public static byte sample(int seed, int plane, int x, int y) {
        return PlainUnit.sample(seed, plane, x, y);
    }
}
