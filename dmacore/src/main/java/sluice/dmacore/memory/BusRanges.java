package sluice.dmacore.memory;

import sluice.dmacore.memory.FrontTranslation.Outcome;
import sluice.iommu.Access;

/**
 * A list of bus ranges on its way to {@link Runs}, in as many steps as it takes: behind an IOMMU that is asked page by
 * page, a list of thousands is not known at once. What was found stays found until the translation changes its generation;
 * then it begins anew. Reusable.
 */
public final class BusRanges {
    private static final long[] NONE = {};

    private final Runs runs = new Runs();
    private long[] ranges = NONE;
    private int next;
    /** Bytes of the next range that were found. */
    private long into;
    private long generation;

    /**
     * Begins with another list.
     *
     * @param list pairs of an address and a length in bytes, of which the lower 32 bits count
     */
    public void begin(long[] list) {
        ranges = list;
        restart();
    }

    private void restart() {
        runs.clear();
        next = 0;
        into = 0;
    }

    /** Lets go of the list. */
    public void end() {
        begin(NONE);
    }

    /**
     * Goes as far as it can.
     *
     * @return {@link Outcome#MISS}, after which it is to be called again when the translation has made progress; with
     *         {@link Outcome#FAULT} the list leads nowhere
     */
    public Outcome advance(FrontTranslation translation, Access access) {
        if (!translation.isRevocable()) {
            restart();
            return translation.resolveAll(ranges, access, runs);
        }
        if (generation != translation.generation()) restart();
        generation = translation.generation();
        for (; next < ranges.length; next += 2, into = 0) {
            long left = Integer.toUnsignedLong((int) ranges[next + 1]) - into;
            long found = translation.resolveKnown(ranges[next] + into, left, access, runs);
            into += found;
            if (found < left) return askAhead(translation, access);
        }
        return Outcome.RESOLVED;
    }

    /** The ranges behind one that is missing are most likely missing, too: they are asked for together. */
    private Outcome askAhead(FrontTranslation translation, Access access) {
        Outcome outcome = translation.outcome();
        if (outcome != Outcome.MISS) return outcome;
        int mark = runs.count();
        long markBytes = runs.bytes();
        for (int i = next + 2; i < ranges.length && translation.wantsMore(); i += 2) {
            outcome = translation.resolve(ranges[i], Integer.toUnsignedLong((int) ranges[i + 1]), access, runs);
            runs.cutBack(mark, markBytes);
            if (outcome == Outcome.FAULT) return outcome;
        }
        return Outcome.MISS;
    }

    /** What was found: all of it after {@link Outcome#RESOLVED}. Good as long as the translation's generation. */
    public Runs runs() {
        return runs;
    }
}
