package sluice.vdev.codec.plain;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;

/**
 * A unit of the plain coding: a header of 24 little-endian bytes, and the picture's bytes if it is raw.
 *
 * <pre>
 * 0  u32 "SLPL"     8  u8 pixels: 0 YU12, 1 NV12, 2 GREY    12 u32 seed
 * 4  u16 width      9  u8 kind: 0 pattern, 1 raw            16 u32 order of display
 * 6  u16 height     10 u8 delay   11 u8 deed                20 u32 0
 * </pre>
 *
 * A decoder keeps {@code delay} pictures back and shows the earliest of display first, as codecs with B-frames do. A deed is
 * 0, or what goes wrong: {@link #BROKEN}, {@link #THROWS}, {@link #SPINS}, {@link #DEAF}.
 *
 * @param order of display, unsigned
 */
record PlainUnit(PictureFormat format, boolean raw, int delay, int deed, int seed, int order) {
    static final int BYTES = 24;
    /** The unit cannot be decoded. */
    static final int BROKEN = 1;
    /** The decoder fails. */
    static final int THROWS = 2;
    /** The decoder does not return until it is interrupted. */
    static final int SPINS = 3;
    /** The decoder does not return for as many milliseconds as the seed says, and heeds no interrupt. */
    static final int DEAF = 4;
    private static final int MAGIC = 'S' | 'L' << 8 | 'P' << 16 | 'L' << 24;
    private static final int MOST_DELAY = 16;
    private static final List<PixelFormat> PIXELS = List.of(PixelFormat.YU12, PixelFormat.NV12, PixelFormat.GREY);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Reads a header; {@code unit} is a private copy. */
    static PlainUnit read(MemorySegment unit) throws CodecException {
        if (unit.byteSize() < BYTES || unit.get(U32, 0) != MAGIC)
            throw new CodecException("a unit of %d bytes that does not begin with SLPL".formatted(unit.byteSize()));
        int width = Short.toUnsignedInt(unit.get(U16, 4));
        int height = Short.toUnsignedInt(unit.get(U16, 6));
        int pixels = unit.get(ValueLayout.JAVA_BYTE, 8);
        int delay = unit.get(ValueLayout.JAVA_BYTE, 10);
        if (pixels < 0 || pixels >= PIXELS.size() || delay < 0 || delay > MOST_DELAY || width < 1
                || height < 1 || width > PictureFormat.MOST || height > PictureFormat.MOST)
            throw new CodecException(
                    "%dx%d pixels of format %d, %d kept back".formatted(width, height, pixels, delay));
        PictureFormat format = new PictureFormat(PIXELS.get(pixels), width, height);
        boolean raw = unit.get(ValueLayout.JAVA_BYTE, 9) != 0;
        if (raw && unit.byteSize() < BYTES + format.bytes())
            throw new CodecException("%d bytes for a picture of %s".formatted(unit.byteSize() - BYTES, format));
        return new PlainUnit(format, raw, delay, unit.get(ValueLayout.JAVA_BYTE, 11), unit.get(U32, 12),
                unit.get(U32, 16));
    }

    /** Writes the header. */
    void write(MemorySegment unit) {
        unit.asSlice(0, BYTES).fill((byte) 0);
        unit.set(U32, 0, MAGIC);
        unit.set(U16, 4, (short) format.width());
        unit.set(U16, 6, (short) format.height());
        unit.set(ValueLayout.JAVA_BYTE, 8, (byte) PIXELS.indexOf(format.pixels()));
        unit.set(ValueLayout.JAVA_BYTE, 9, (byte) (raw ? 1 : 0));
        unit.set(ValueLayout.JAVA_BYTE, 10, (byte) delay);
        unit.set(ValueLayout.JAVA_BYTE, 11, (byte) deed);
        unit.set(U32, 12, seed);
        unit.set(U32, 16, order);
    }

    /** Fills a picture of the unit's format. */
    void draw(MemorySegment unit, Picture picture) {
        long at = BYTES;
        for (int i = 0; i < picture.planes().size(); i++) {
            Picture.Plane plane = picture.planes().get(i);
            int width = format.pixels().lineBytes(i, format.width());
            for (int y = 0; y < format.pixels().lines(i, format.height()); y++) {
                long line = (long) y * plane.stride();
                if (raw) {
                    MemorySegment.copy(unit, at, plane.bytes(), line, width);
                    at += width;
                } else {
                    for (int x = 0; x < width; x++)
                        plane.bytes().set(ValueLayout.JAVA_BYTE, line + x, sample(seed, i, x, y));
                }
            }
        }
    }

    /** The byte of a pattern at a place of a plane. */
    static byte sample(int seed, int plane, int x, int y) {
        return (byte) (seed * 7 + plane * 50 + (x ^ 3 * y));
    }
}
