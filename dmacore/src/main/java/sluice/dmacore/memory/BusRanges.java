package sluice.dmacore.memory;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * Resolves a list of bus ranges to {@link Runs} in several steps, because behind an IOMMU the translations of a long
 * list arrive page by page. Resolved ranges are kept until the translation changes its generation; then it restarts.
 * Reusable.
 */
public final class BusRanges {
    private final Runs runs = new Runs();
    /** Pages requested ahead of need. */
    private final Result ahead = new Result();
    private BusList list = BusList.NONE;
    private int next;
    /** Resolved bytes of the next range. */
    private long into;
    private long generation;

    /** Begins with a new list. */
    public void begin(BusList next) {
        list = next;
        restart();
    }

    private void restart() {
        runs.clear();
        next = 0;
        into = 0;
    }

    /** Drops the list. */
    public void end() {
        begin(BusList.NONE);
    }

    /**
     * Resolves as much as is possible now.
     *
     * @param result receives the outcome, as for {@link FrontTranslation#resolve}
     * @return {@link Outcome#MISS}, if it must be called again when the translation has made progress; {@link
     * Outcome#FAULT} if a range is not mapped
     */
    public Outcome advance(FrontTranslation translation, Access access, Result result) {
        if (!translation.isRevocable()) {
            restart();
            return translation.resolveAll(list, access, runs, result);
        }
        if (generation != translation.generation()) restart();
        generation = translation.generation();
        for (; next < list.count(); next++, into = 0) {
            long left = list.length(next) - into;
            long found = translation.resolveKnown(list.address(next) + into, left, access, runs, result);
            into += found;
            if (found < left) return result.isMiss() ? askAhead(translation, access, result) : result.outcome();
        }
        return result.resolved();
    }

    /** The ranges after a missing one are most likely missing, too, and are requested together. */
    private Outcome askAhead(FrontTranslation translation, Access access, Result result) {
        int mark = runs.count();
        long markBytes = runs.bytes();
        for (int i = next + 1; i < list.count() && translation.wantsMore(); i++) {
            translation.resolve(list.address(i), list.length(i), access, runs, ahead);
            runs.cutBack(mark, markBytes);
            if (ahead.outcome() == Outcome.FAULT) return result.faulted(ahead.address(), access);
        }
        return Outcome.MISS;
    }

    /**
     * The resolved runs: complete after {@link Outcome#RESOLVED}. Valid while the translation's generation is
     * unchanged.
     */
    public Runs runs() {
        return runs;
    }
}
