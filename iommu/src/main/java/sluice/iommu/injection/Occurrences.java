package sluice.iommu.injection;

/**
 * The occurrences of matching events on which a rule acts, counted since it was added.
 *
 * @param first the first occurrence, from 1
 * @param count number of occurrences, at least 1
 */
public record Occurrences(long first, long count) {
    public static final Occurrences ALWAYS = new Occurrences(1, Long.MAX_VALUE);

    public Occurrences {
        if (first < 1 || count < 1)
            throw new IllegalArgumentException("occurrence %d, %d of them; both count from 1".formatted(first, count));
    }

    /** Only the n-th, from 1. */
    public static Occurrences nth(long n) {
        return new Occurrences(n, 1);
    }

    boolean contains(long occurrence) {
        return occurrence >= first && occurrence - first < count;
    }
}
