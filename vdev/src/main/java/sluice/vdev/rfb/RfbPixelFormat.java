package sluice.vdev.rfb;

import io.netty.buffer.ByteBuf;

import sluice.vdev.io.ProtocolViolation;

/**
 * A viewer's PIXEL_FORMAT (RFC 6143 §7.4), and the conversion to it. A viewer with a colour map gets one of 256 fixed
 * colours, three bits of red and green and two of blue.
 */
final class RfbPixelFormat {
    /** Bytes on the wire. */
    static final int BYTES = 16;
    /** Colours of the map. */
    static final int MAPPED_COLOURS = 256;
    private static final int MAX_DEPTH_OF_CPIXEL = 24;
    private static final int CPIXEL_BITS = 24;
    private static final int CHANNEL = 256;

    /** 0x00RRGGBB in four bytes, the lowest first: no conversion. */
    static final RfbPixelFormat OURS = new RfbPixelFormat(32, 24, false, new int[]{ 255, 255, 255 },
            new int[]{ 16, 8, 0 });
    private static final int[] MAP_MAXIMA = { 7, 7, 3 };
    private static final int[] MAP_SHIFTS = { 0, 3, 6 };

    private final int bits;
    private final int depth;
    private final boolean bigEndian;
    private final boolean isMapped;
    private final int[] maxima;
    private final int[] shifts;
    /** The values of red, green and blue. */
    private final int[][] values = new int[3][CHANNEL];
    private final int compressedBytes;
    private final int compressedShift;

    private RfbPixelFormat(int bits, int depth, boolean bigEndian, int[] maxima, int[] shifts) {
        this(bits, depth, bigEndian, false, maxima, shifts);
    }

    private RfbPixelFormat(int bits, int depth, boolean bigEndian, boolean isMapped, int[] maxima, int[] shifts) {
        this.bits = bits;
        this.depth = depth;
        this.bigEndian = bigEndian;
        this.isMapped = isMapped;
        this.maxima = maxima;
        this.shifts = shifts;
        int used = 0;
        for (int channel = 0; channel < 3; channel++) {
            used |= maxima[channel] << shifts[channel];
            for (int level = 0; level < CHANNEL; level++) {
                // Rounded: both ends of the range are exact.
                int scaled = (level * maxima[channel] + CHANNEL / 2 - 1) / (CHANNEL - 1);
                values[channel][level] = scaled << shifts[channel];
            }
        }
        boolean fitsLow = used >>> CPIXEL_BITS == 0;
        boolean fitsHigh = (used & 0xff) == 0;
        boolean isCompressed = bits == 32 && !isMapped && depth <= MAX_DEPTH_OF_CPIXEL && (fitsLow || fitsHigh);
        compressedBytes = isCompressed ? CPIXEL_BITS / 8 : bits / 8;
        compressedShift = isCompressed && !fitsLow ? 8 : 0;
    }

    /**
     * Takes a PIXEL_FORMAT.
     *
     * @throws ProtocolViolation no such pixel is possible
     */
    static RfbPixelFormat read(ByteBuf in) throws ProtocolViolation {
        int bits = in.readUnsignedByte();
        int depth = in.readUnsignedByte();
        boolean bigEndian = in.readUnsignedByte() != 0;
        boolean isMapped = in.readUnsignedByte() == 0;
        int[] maxima = { in.readUnsignedShort(), in.readUnsignedShort(), in.readUnsignedShort() };
        int[] shifts = { in.readUnsignedByte(), in.readUnsignedByte(), in.readUnsignedByte() };
        in.skipBytes(3);
        if (bits != 8 && bits != 16 && bits != 32)
            throw new ProtocolViolation("a pixel of " + bits + " bits; 8, 16 and 32 are possible");
        if (isMapped) {
            if (bits != 8) throw new ProtocolViolation("a colour map for pixels of " + bits + " bits; 8 are possible");
            return new RfbPixelFormat(bits, bits, bigEndian, true, MAP_MAXIMA, MAP_SHIFTS);
        }
        for (int channel = 0; channel < 3; channel++) {
            if (shifts[channel] >= bits || (long) maxima[channel] << shifts[channel] >= 1L << bits)
                throw new ProtocolViolation("a colour up to %d, %d bits from the right, in a pixel of %d bits"
                        .formatted(maxima[channel], shifts[channel], bits));
        }
        return new RfbPixelFormat(bits, depth, bigEndian, maxima, shifts);
    }

    /** Writes it for ServerInit. */
    void writeTo(ByteBuf out) {
        out.writeByte(bits).writeByte(depth).writeBoolean(bigEndian).writeBoolean(!isMapped);
        for (int maximum : maxima) out.writeShort(maximum);
        for (int shift : shifts) out.writeByte(shift);
        out.writeZero(3);
    }

    /** Whether it needs {@link #writeMapTo}. */
    boolean isMapped() {
        return isMapped;
    }

    /** Writes red, green and blue of each colour of the map, 16 bits each. */
    static void writeMapTo(ByteBuf out) {
        for (int colour = 0; colour < MAPPED_COLOURS; colour++) {
            for (int channel = 0; channel < 3; channel++)
                out.writeShort((colour >> MAP_SHIFTS[channel] & MAP_MAXIMA[channel]) * 0xffff / MAP_MAXIMA[channel]);
        }
    }

    /** Bytes of a pixel. */
    int pixelBytes() {
        return bits / 8;
    }

    /** Bytes of a pixel in ZRLE: a CPIXEL (RFC 6143 §7.7.5). */
    int compressedBytes() {
        return compressedBytes;
    }

    /** Converts pixels, 0xXXRRGGBB, to numbers in this format. */
    void convert(int[] pixels, int count) {
        if (this == OURS) {
            for (int i = 0; i < count; i++) pixels[i] &= 0xff_ffff;
            return;
        }
        for (int i = 0; i < count; i++) pixels[i] = converted(pixels[i]);
    }

    /** A pixel, 0xXXRRGGBB, as a number in this format. */
    int converted(int pixel) {
        return values[0][pixel >> 16 & 0xff] | values[1][pixel >> 8 & 0xff] | values[2][pixel & 0xff];
    }

    /** Writes a number as a pixel; returns where the next one goes. */
    int put(byte[] target, int at, int value) {
        return put(target, at, value, bits / 8);
    }

    /** Writes a number as a CPIXEL; returns where the next one goes. */
    int putCompressed(byte[] target, int at, int value) {
        return put(target, at, value >>> compressedShift, compressedBytes);
    }

    private int put(byte[] target, int at, int value, int bytes) {
        for (int i = 0; i < bytes; i++)
            target[at + i] = (byte) (value >>> (8 * (bigEndian ? bytes - 1 - i : i)));
        return at + bytes;
    }
}
