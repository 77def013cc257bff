package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;

import sluice.vdev.codec.plain.PlainUnits;

/**
 * A stream in the codec's test coding: pictures that are displayed in another order than they are coded in, and sizes that change in
 * the middle; with what a right decoder makes of it.
 */
record MediaClip(List<Unit> units) {
    /** Pictures that a decoder keeps back. */
    private static final int DELAY = 2;
    private static final int PLANES = 3;

    /**
     * A picture.
     *
     * @param seed of its pattern
     * @param order of display, within its size
     */
    record Unit(int width, int height, int seed, int order) {
        private ByteBuffer bytes() {
            return PlainUnits.pattern(width, height, seed, order, DELAY);
        }

        /** CRC-32 of its planes, as {@code decode} prints it. */
        private String crc() {
            CRC32 crc = new CRC32();
            for (int plane = 0; plane < PLANES; plane++)
                crc.update(plane(plane));
            return HexFormat.of().toHexDigits((int) crc.getValue());
        }

        /** The bytes of a plane, line by line. */
        private byte[] plane(int plane) {
            int columns = plane == 0 ? width : (width + 1) / 2;
            int lines = plane == 0 ? height : (height + 1) / 2;
            byte[] bytes = new byte[columns * lines];
            for (int i = 0; i < bytes.length; i++)
                bytes[i] = PlainUnits.sample(seed, plane, i % columns, i / columns);
            return bytes;
        }
    }

    /** A picture of another size after the first ones, which no unit of the layout divides. */
    static MediaClip changing(int frames) {
        List<Unit> units = new ArrayList<>();
        for (int i = 0; i < frames; i++) units.add(new Unit(176, 144, i, order(i)));
        for (int i = 0; i < frames; i++) units.add(new Unit(322, 178, 100 + i, order(i)));
        return new MediaClip(units);
    }

    /** Pictures of one size. */
    static MediaClip steady(int width, int height, int frames) {
        List<Unit> units = new ArrayList<>();
        for (int i = 0; i < frames; i++) units.add(new Unit(width, height, i, order(i)));
        return new MediaClip(units);
    }

    /** The second of each three pictures is shown before the first, as with a B-frame. */
    private static int order(int coded) {
        return switch (coded % 3) {
            case 0 -> coded + 1;
            case 1 -> coded - 1;
            default -> coded;
        };
    }

    /** Writes the units, each with its length before it, as {@code decode} reads them. */
    void write(Path file) throws IOException {
        int bytes = 0;
        for (Unit unit : units) bytes += Integer.BYTES + unit.bytes().remaining();
        ByteBuffer all = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (Unit unit : units) all.putInt(unit.bytes().remaining()).put(unit.bytes());
        Files.write(file, all.array());
    }

    /** What {@code decode} prints: each picture's timestamp, which is the number of its unit, and checksum, in the order of display. */
    List<String> frames() {
        List<String> frames = new ArrayList<>();
        int from = 0;
        while (from < units.size()) {
            int begin = from;
            int end = from;
            while (end < units.size() && units.get(end).width() == units.get(begin).width())
                end++;
            units.subList(from, end).stream().sorted(Comparator.comparingInt(Unit::order))
                    .forEach(unit -> frames.add(units.indexOf(unit) + " " + unit.crc()));
            from = end;
        }
        return frames;
    }

    /** The first bytes of the buffer of the picture that is displayed last, as pixels of 32 bits. Its lines have no padding. */
    Picture lastAsPixels(int width, int height) {
        Unit last = units.stream().max(Comparator.comparingInt(Unit::order)).orElseThrow();
        ByteBuffer bytes = ByteBuffer.allocate(last.width() * last.height() * 3 / 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int plane = 0; plane < PLANES; plane++) bytes.put(last.plane(plane));
        int[] pixels = new int[width * height];
        bytes.flip().asIntBuffer().get(pixels);
        for (int i = 0; i < pixels.length; i++) pixels[i] |= 0xff00_0000;
        return new Picture(width, height, pixels);
    }
}
