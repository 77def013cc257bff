package sluice.dmacore.witness;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/** The most recently ended address ranges and how they ended, for findings about their use. Older ones are dropped. */
final class EndedRanges {
    private static final int KEPT = 256;

    /**
     * How a range ended.
     *
     * @param how as a participle, such as {@code unmapped by dma_unmap_sg}
     * @param site the call that ended it, with its direction and attributes; empty if it was none
     * @param chain of the call, as in {@link KernelCall}
     */
    record End(String how, String site, String chain) {
        static End by(String verb, KernelCall call) {
            return new End(verb + " by " + call.name(), call.said(), call.chain());
        }

        /** Not by a call. */
        static End of(String how) {
            return new End(how, "", "");
        }
    }

    private final long[] first = new long[KEPT];
    private final long[] end = new long[KEPT];
    private final @Nullable End[] how = new @Nullable End[KEPT];
    private int next;

    void add(long address, long length, End ended) {
        first[next] = address;
        end[next] = address + length;
        how[next] = ended;
        next = (next + 1) % KEPT;
    }

    /** How the latest range that contained an address ended; null if none is remembered. */
    @Nullable
    End at(long address) {
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
