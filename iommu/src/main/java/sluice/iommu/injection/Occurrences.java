package sluice.iommu.injection;

/**
 * The matching events on which a rule acts, counted since it was added. Depends only on the number of the event, so a
 * run with the same events has the same faults.
 *
 * @param first the first event, from 1
 * @param count limit of events, at least 1
 * @param every acts on every N-th event; 1 for each
 * @param oneIn acts on one in N of those, at random; 1 for all
 * @param seed of the random choice
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

    /** {@code count} consecutive events. */
    public Occurrences(long first, long count) {
        this(first, count, 1, 1, 0);
    }

    /** Only the n-th, from 1. */
    public static Occurrences nth(long n) {
        return new Occurrences(n, 1);
    }

    /** Whether the rule acts on the event with this number, from 1. */
    public boolean contains(long occurrence) {
        long since = occurrence - first;
        if (since < 0 || since % every != 0 || since / every >= count) return false;
        return oneIn == 1 || Long.remainderUnsigned(mixed(seed + occurrence * GOLDEN), oneIn) == 0;
    }

    /** The finalizer of MurmurHash3, variant 13: decorrelates consecutive inputs. */
    private static long mixed(long number) {
        long mixed = (number ^ (number >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return mixed ^ (mixed >>> 31);
    }
}
