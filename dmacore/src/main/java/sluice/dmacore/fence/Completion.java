package sluice.dmacore.fence;

import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/** A one-shot completion: wakes waiters and runs callbacks once; the status is read without a lock. */
final class Completion {
    static final int PENDING = -1;

    /** {@link #PENDING}, 0, or an errno number. */
    private volatile int status = PENDING;
    /** Written before the status. */
    private long completedAt;
    /** Callbacks in the order they were added. */
    private @Nullable Subscription first;
    private @Nullable Subscription last;
    private boolean wanted;

    int status() {
        return status;
    }

    /** Called after completion. */
    long completedAt() {
        return completedAt;
    }

    /** Returns true for the first call only. */
    synchronized boolean want() {
        boolean already = wanted;
        wanted = true;
        return !already && status == PENDING;
    }

    synchronized boolean isWanted() {
        return wanted;
    }

    /** @return false if it is complete already; nothing is added then */
    synchronized boolean add(Subscription subscription) {
        if (status != PENDING) return false;
        subscription.previous = last;
        if (last == null) first = subscription;
        else last.next = subscription;
        last = subscription;
        return true;
    }

    synchronized int subscriptions() {
        int count = 0;
        for (Subscription each = first; each != null; each = each.next) count++;
        return count;
    }

    synchronized boolean remove(Subscription subscription) {
        if (status != PENDING) return false;
        Subscription before = subscription.previous;
        Subscription after = subscription.next;
        if (before == null && first != subscription) return false;
        if (before == null) first = after;
        else before.next = after;
        if (after == null) last = before;
        else after.previous = before;
        subscription.previous = null;
        subscription.next = null;
        return true;
    }

    /**
     * Completes it and wakes waiters. A caller that gets true must call {@link #callAll} next.
     *
     * @return false if it was complete already
     */
    synchronized boolean complete(int newStatus, long now) {
        if (status != PENDING) return false;
        completedAt = now;
        status = newStatus;
        notifyAll();
        return true;
    }

    /** Runs the callbacks. Called once, by the thread that completed it; callbacks are no longer added or removed. */
    void callAll(Fence fence) {
        Subscription each;
        synchronized (this) {
            each = first;
            first = null;
            last = null;
        }
        while (each != null) {
            Subscription after = each.next;
            each.previous = null;
            each.next = null;
            each.call(fence);
            each = after;
        }
    }

    /** @return whether it is complete; false after {@code nanos} */
    synchronized boolean await(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        while (status == PENDING) {
            long left = end - System.nanoTime();
            if (left <= 0) return false;
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return true;
    }
}
