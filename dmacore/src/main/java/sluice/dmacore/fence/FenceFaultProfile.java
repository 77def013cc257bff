package sluice.dmacore.fence;

import java.time.Duration;

/**
 * How often which fault strikes.
 *
 * @param seed of the choice: the same seed gives the same faults for the same sequence of work
 * @param delayed how many of a thousand fences are delayed; all shares together are at most a thousand
 * @param reordered how many are signalled out of order
 * @param never how many are never signalled
 * @param early how many are signalled at once
 * @param wrongResult how many have the wrong result
 * @param delay by how much a delayed fence is delayed
 */
public record FenceFaultProfile(long seed, int delayed, int reordered, int never, int early, int wrongResult,
        Duration delay) {
    private static final int ALL = 1000;

    /** No faults: the others are made from it. */
    public static FenceFaultProfile none(long seed) {
        return new FenceFaultProfile(seed, 0, 0, 0, 0, 0, Duration.ZERO);
    }

    /** @throws IllegalArgumentException for a share below 0, for shares that are more than all, for a negative delay */
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
