package sluice.iommu.injection;

/**
 * Which of the events a rule sees it acts on, counted from when it was added.
 *
 * @param first the first it acts on, from 1
 * @param count how many from there on, at least 1
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
