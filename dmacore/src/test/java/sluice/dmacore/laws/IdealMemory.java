package sluice.dmacore.laws;

import java.util.Arrays;

/** Memory in which every store is visible to all at once. */
final class IdealMemory {
    private final byte[] bytes;
    /** Stores so far: each has values that no byte had before, as far as 256 values allow. */
    private int stores;
    /** The step that stored each byte last. */
    private final int[] steps;

    IdealMemory(Layout layout) {
        bytes = new byte[layout.bytes()];
        steps = new int[bytes.length];
        Arrays.fill(steps, -1);
        for (int at = 0; at < bytes.length; at++) bytes[at] = value(at, 0);
    }

    private static byte value(int at, int store) {
        return (byte) (store + 37 * at);
    }

    byte get(int at) {
        return bytes[at];
    }

    /** The step that has stored a byte, or -1. */
    int stored(int at) {
        return steps[at];
    }

    /** What the next store writes into a byte. */
    byte next(int at) {
        return value(at, stores + 1);
    }

    /** The values of {@link #next} for a range, which may have a byte twice. */
    void fill(int[] places, int from, int length, byte[] values) {
        for (int i = 0; i < length; i++) values[i] = next(places[from + i]);
    }

    /** The next store has happened. */
    void store(int[] places, int from, int length, int step) {
        for (int i = from; i < from + length; i++) {
            bytes[places[i]] = next(places[i]);
            steps[places[i]] = step;
        }
        stores++;
    }

    void copy(int[] from, int[] to) {
        for (int i = 0; i < from.length; i++) {
            bytes[to[i]] = bytes[from[i]];
            steps[to[i]] = steps[from[i]];
        }
    }
}
