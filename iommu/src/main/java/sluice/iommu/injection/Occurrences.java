package sluice.iommu.injection;

/**
 * Which of the events a rule sees it acts on, counted from when it was added. It depends on nothing but the event's number, so a
 * run that sees the same events has the same faults.
 *
 * @param first the first it acts on, from 1
 * @param count how many of those that it could act on, at least 1
 * @param every of so many from the first on it acts on one; 1 for each
 * @param oneIn of so many of those, one on average, by chance; 1 for all
 * @param seed of that chance
 */
public record Occurrences(long first, long count, long every, long oneIn, long seed) {
    public static final Occurrences ALWAYS = new Occurrences(1, Long.MAX_VALUE);

    /** 2^64 divided by the golden ratio, as java.util.SplittableRandom steps. */
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    public Occurrences {
        if (first < 1 || count < 1)
            throw new IllegalArgumentException("occurrence %d, %d of them; both count from 1".formatted(first, count));
        if (every < 1 || oneIn < 1)
            throw new IllegalArgumentException("every %d, one in %d; both count from 1".formatted(every, oneIn));
    }

    /** Each of {@code count} from the first on. */
    public Occurrences(long first, long count) {
        this(first, count, 1, 1, 0);
    }

    /** Only the n-th, from 1. */
    public static Occurrences nth(long n) {
        return new Occurrences(n, 1);
    }

    /** Whether the rule acts on the event with a number, from 1 on. */
    public boolean contains(long occurrence) {
        long since = occurrence - first;
        if (since < 0 || since % every != 0 || since / every >= count) return false;
        return oneIn == 1 || Long.remainderUnsigned(mixed(seed + occurrence * GOLDEN), oneIn) == 0;
    }

    /** The finalizer of MurmurHash3, variant 13: neighbours in give no neighbours out. */
    private static long mixed(long number) {
        long mixed = (number ^ (number >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return mixed ^ (mixed >>> 31);
    }
}
