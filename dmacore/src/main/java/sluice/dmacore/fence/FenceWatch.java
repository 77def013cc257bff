package sluice.dmacore.fence;

import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread that sleeps until a fence is due, and reports it unless it is signalled by then. */
public final class FenceWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FenceWatch.class);
    /** Longest sleep, one hour, even without fences. */
    private static final long LONGEST_SLEEP = FenceTimeline.LONGEST_BOUND.toNanos();

    private final FenceDomain domain;
    private final LatePolicy policy;
    private final Thread thread;
    /** Whether each new fence wakes it, because the length of its sleep is not yet known. */
    private volatile boolean undecided = true;
    /** Otherwise the end of its sleep. */
    private volatile long sleepsUntil;
    private boolean woken;
    private boolean closed;

    FenceWatch(FenceDomain domain, LatePolicy policy) {
        this.domain = domain;
        this.policy = policy;
        thread = Thread.ofPlatform().daemon().name("fence watch").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** A fence was created that is due at {@code due}. Costs two reads unless it is due before all others. */
    void due(long due) {
        if (undecided || due - sleepsUntil < 0) wake();
    }

    private synchronized void wake() {
        woken = true;
        notifyAll();
    }

    private void run() {
        try {
            while (!isClosed()) {
                // A fence created from here on is either seen by the check or wakes this thread.
                undecided = true;
                long left = Math.min(check(), LONGEST_SLEEP);
                sleepsUntil = domain.now() + left;
                undecided = false;
                sleep(left);
            }
        } catch (InterruptedException stopped) {
            LOG.warn("the watch for late fences was interrupted, and ends");
        } finally {
            domain.unwatch(this);
        }
    }

    private long check() {
        try {
            return domain.checkLate(policy);
        } catch (RuntimeException failure) {
            LOG.error("the listener for late fences failed; the watch goes on", failure);
            return 0;
        }
    }

    private synchronized void sleep(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        while (!woken && !closed) {
            long left = end - System.nanoTime();
            if (left <= 0) break;
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        woken = false;
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** Ends the thread after a check in progress. */
    @Override
    public void close() {
        domain.unwatch(this);
        synchronized (this) {
            closed = true;
            notifyAll();
        }
    }
}
