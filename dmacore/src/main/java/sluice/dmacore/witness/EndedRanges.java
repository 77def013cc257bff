package sluice.dmacore.witness;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/** The most recently ended address ranges and how they ended, for findings about their use. Older ones are dropped. */
final class EndedRanges {
    private static final int KEPT = 256;

    private final long[] first = new long[KEPT];
    private final long[] end = new long[KEPT];
    private final @Nullable String[] how = new @Nullable String[KEPT];
    private int next;

    void add(long address, long length, String ended) {
        first[next] = address;
        end[next] = address + length;
        how[next] = ended;
        next = (next + 1) % KEPT;
    }

    /** How the latest range that contained an address ended; null if none is remembered. */
    @Nullable
    String at(long address) {
        for (int i = 1; i <= KEPT; i++) {
            int slot = Math.floorMod(next - i, KEPT);
            if (how[slot] != null && address >= first[slot] && address < end[slot]) return how[slot];
        }
        return null;
    }

    void clear() {
        Arrays.fill(how, null);
    }
}
