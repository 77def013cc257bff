package sluice.dmacore.fence;

import java.time.Duration;

/**
 * The rate of each fault.
 *
 * @param seed of the random choice: the same seed gives the same faults for the same sequence of work
 * @param delayed delayed fences per thousand; the sum of all rates is at most a thousand
 * @param reordered fences per thousand signalled out of order
 * @param never fences per thousand never signalled
 * @param early fences per thousand signalled at once
 * @param wrongResult fences per thousand with the wrong result
 * @param delay delay of a delayed fence
 */
public record FenceFaultProfile(long seed, int delayed, int reordered, int never, int early, int wrongResult,
        Duration delay) {
    private static final int ALL = 1000;

    /** A profile without faults. */
    public static FenceFaultProfile none(long seed) {
        return new FenceFaultProfile(seed, 0, 0, 0, 0, 0, Duration.ZERO);
    }

    /** @throws IllegalArgumentException for a negative rate, a sum above 1000, or a negative delay */
    public FenceFaultProfile {
        long sum = 0;
        for (int share : new int[]{ delayed, reordered, never, early, wrongResult }) {
            if (share < 0) throw new IllegalArgumentException("a share of %d fences of 1000".formatted(share));
            sum += share;
        }
        if (sum > ALL) throw new IllegalArgumentException("shares of %d fences of 1000".formatted(sum));
        if (delay.isNegative()) throw new IllegalArgumentException("a delay of %s".formatted(delay));
    }

    public FenceFaultProfile withDelayed(int share, Duration newDelay) {
        return new FenceFaultProfile(seed, share, reordered, never, early, wrongResult, newDelay);
    }

    public FenceFaultProfile withReordered(int share) {
        return new FenceFaultProfile(seed, delayed, share, never, early, wrongResult, delay);
    }

    public FenceFaultProfile withNever(int share) {
        return new FenceFaultProfile(seed, delayed, reordered, share, early, wrongResult, delay);
    }

    public FenceFaultProfile withEarly(int share) {
        return new FenceFaultProfile(seed, delayed, reordered, never, share, wrongResult, delay);
    }

    public FenceFaultProfile withWrongResult(int share) {
        return new FenceFaultProfile(seed, delayed, reordered, never, early, share, delay);
    }

    /** The fault for a number from 0 to 999. */
    FenceFault pick(int number) {
        int left = number;
        if ((left -= delayed) < 0) return FenceFault.DELAYED;
        if ((left -= reordered) < 0) return FenceFault.REORDERED;
        if ((left -= never) < 0) return FenceFault.NEVER;
        if ((left -= early) < 0) return FenceFault.EARLY;
        if (left - wrongResult < 0) return FenceFault.WRONG_RESULT;
        return FenceFault.NONE;
    }
}
