package sluice.iommu.space;

import java.util.concurrent.TimeUnit;

/**
 * How long rules may hold up one reader. Its thread often has other things to do, an unmap for which a VM waits among them; so
 * it is delayed by no more than {@link #MAX_NANOS} in a row, or by one delay that is longer, and for half of its time at most.
 */
final class DelayBudget {
    static final long MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private long began;
    private long spent;

    /**
     * Whether an access is to be delayed now.
     *
     * @param nanos how long
     * @param now by {@link System#nanoTime}
     */
    boolean take(long nanos, long now) {
        // With the longer of both, or a rule of a minute would hold it up minute by minute.
        if (spent == 0 || now - began >= 2 * Math.max(MAX_NANOS, spent)) {
            began = now;
            spent = 0;
        }
        if (spent >= MAX_NANOS) return false;
        spent += nanos;
        return true;
    }
}
