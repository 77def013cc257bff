package sluice.dmacore.memory;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * A list of bus ranges on its way to {@link Runs}, in as many steps as it takes: behind an IOMMU that is asked page by
 * page, a list of thousands is not known at once. What was found stays found until the translation changes its generation;
 * then it begins anew. Reusable.
 */
public final class BusRanges {
    private static final long[] NONE = {};

    private final Runs runs = new Runs();
    /** Of what is asked for before it is needed. */
    private final Result ahead = new Result();
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
     * @param result gets what became of it, as that of {@link FrontTranslation#resolve}
     * @return {@link Outcome#MISS}, after which it is to be called again when the translation has made progress; with
     *         {@link Outcome#FAULT} the list leads nowhere
     */
    public Outcome advance(FrontTranslation translation, Access access, Result result) {
        if (!translation.isRevocable()) {
            restart();
            return translation.resolveAll(ranges, access, runs, result);
        }
        if (generation != translation.generation()) restart();
        generation = translation.generation();
        for (; next < ranges.length; next += 2, into = 0) {
            long left = Integer.toUnsignedLong((int) ranges[next + 1]) - into;
            long found = translation.resolveKnown(ranges[next] + into, left, access, runs, result);
            into += found;
            if (found < left) return result.isMiss() ? askAhead(translation, access, result) : result.outcome();
        }
        return result.resolved();
    }

    /** The ranges behind one that is missing are most likely missing, too: they are asked for together. */
    private Outcome askAhead(FrontTranslation translation, Access access, Result result) {
        int mark = runs.count();
        long markBytes = runs.bytes();
        for (int i = next + 2; i < ranges.length && translation.wantsMore(); i += 2) {
            translation.resolve(ranges[i], Integer.toUnsignedLong((int) ranges[i + 1]), access, runs, ahead);
            runs.cutBack(mark, markBytes);
            if (ahead.outcome() == Outcome.FAULT) return result.faulted(ahead.address(), access);
        }
        return Outcome.MISS;
    }

    /** What was found: all of it after {@link Outcome#RESOLVED}. Good as long as the translation's generation. */
    public Runs runs() {
        return runs;
    }
}
