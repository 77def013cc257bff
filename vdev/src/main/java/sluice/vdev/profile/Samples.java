package sluice.vdev.profile;

import java.util.Arrays;

/** Numbers of which quantiles are asked for; a bounded number is kept, evenly over time. */
public final class Samples {
    private static final int MOST = 1 << 17;

    private long[] kept = new long[16];
    private int count;
    private long seen;
    /** One of this many is kept. */
    private int step = 1;
    private long sum;
    private boolean sorted = true;

    void add(long value) {
        sum += value;
        if (seen++ % step != 0) return;
        if (count == MOST) halve();
        if (count == kept.length) kept = Arrays.copyOf(kept, 2 * count);
        kept[count++] = value;
        sorted = false;
    }

    /** Which half is kept does not depend on the values if they are not sorted yet, and is every second of the sorted otherwise. */
    private void halve() {
        for (int i = 0; i < count / 2; i++) kept[i] = kept[2 * i];
        count /= 2;
        step *= 2;
    }

    /** How many there were. */
    public long count() {
        return seen;
    }

    /** The sum of all. */
    public long sum() {
        return sum;
    }

    /** The mean; 0 without values. */
    public double mean() {
        return seen == 0 ? 0 : (double) sum / seen;
    }

    /**
     * The smallest value that is at least as large as this share of all (nearest rank); 0 without values.
     *
     * @param share from 0 to 1
     */
    public long quantile(double share) {
        if (count == 0) return 0;
        if (!sorted) Arrays.sort(kept, 0, count);
        sorted = true;
        int rank = (int) Math.ceil(share * count);
        return kept[Math.clamp(rank - 1, 0, count - 1)];
    }
}
