package sluice.iommu.space;

import java.util.concurrent.TimeUnit;

/**
 * Limits injected delays of one reader. Its thread often has other work, such as an unmap for which a VM waits; so it
 * is delayed by at most {@link #MAX_NANOS} in a row, or by one longer delay, and for at most half of its time.
 */
final class DelayBudget {
    static final long MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private long began;
    private long spent;

    /**
     * Whether an access is to be delayed now.
     *
     * @param nanos length of the delay
     * @param now by {@link System#nanoTime}
     */
    boolean take(long nanos, long now) {
        // With the maximum of both; otherwise a delay of a minute would repeat every minute.
        if (spent == 0 || now - began >= 2 * Math.max(MAX_NANOS, spent)) {
            began = now;
            spent = 0;
        }
        if (spent >= MAX_NANOS) return false;
        spent += nanos;
        return true;
    }
}
