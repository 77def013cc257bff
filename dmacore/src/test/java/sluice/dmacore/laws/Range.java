package sluice.dmacore.laws;

import java.util.random.RandomGenerator;

import org.jspecify.annotations.Nullable;

import static sluice.dmacore.laws.State.LINE;

/** Bytes of a buffer that follow each other. */
record Range(int from, int length) {
    /** A part of a buffer as programs like it: all of it, lines, periods of 100 bytes, a few bytes. */
    static Range draw(RandomGenerator chance, int size) {
        int from = switch (chance.nextInt(4)) {
            case 0 -> 0;
            case 1 -> chance.nextInt(size);
            case 2 -> chance.nextInt(size) / LINE * LINE;
            default -> chance.nextInt(size) / 100 * 100;
        };
        int length = switch (chance.nextInt(5)) {
            case 0 -> size;
            case 1 -> 1 + chance.nextInt(size);
            case 2 -> LINE;
            case 3 -> 100;
            default -> 1 + chance.nextInt(20);
        };
        return new Range(from, Math.min(length, size - from));
    }

    /** The shortest range with all that a buffer has of some lines, or null if it has nothing. */
    static @Nullable Range covering(int[] places, boolean[] lines) {
        int first = -1;
        int last = -1;
        for (int i = 0; i < places.length; i++) {
            if (!lines[places[i] / LINE]) continue;
            if (first < 0) first = i;
            last = i;
        }
        return first < 0 ? null : new Range(first, last + 1 - first);
    }

    /** The lines of memory that a range of a buffer has bytes of. */
    boolean[] lines(int[] places, int count) {
        boolean[] lines = new boolean[count];
        for (int i = from; i < end(); i++) lines[places[i] / LINE] = true;
        return lines;
    }

    boolean touches(int[] places, boolean[] lines) {
        for (int i = from; i < end(); i++) if (lines[places[i] / LINE]) return true;
        return false;
    }

    int end() {
        return from + length;
    }

    /** Sometimes more than this. */
    Range widened(RandomGenerator chance, int size) {
        if (chance.nextInt(3) > 0) return this;
        if (chance.nextInt(2) == 0) return new Range(0, size);
        int start = Math.max(0, from - chance.nextInt(100));
        return new Range(start, Math.min(size - start, length + chance.nextInt(200)));
    }
}
