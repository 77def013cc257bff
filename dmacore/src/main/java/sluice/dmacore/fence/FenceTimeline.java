package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * A queue of work whose fences are signalled in the order they were begun, each within the same bound: what the kernel calls a
 * fence context. Of two fences of a timeline, the later one stands for both.
 */
public final class FenceTimeline implements AutoCloseable {
    /** The longest bound: an hour. */
    public static final Duration LONGEST_BOUND = Duration.ofHours(1);

    private final FenceDomain domain;
    private final String name;
    private final long context;
    private final long bound;
    private long lastSeqno;
    private boolean closed;
    /** Those that are not signalled, in their order. */
    private @Nullable Fence first;
    private @Nullable Fence last;
    private int pending;

    FenceTimeline(FenceDomain domain, String name, long context, Duration bound) {
        if (bound.isNegative() || bound.isZero() || bound.compareTo(LONGEST_BOUND) > 0)
            throw new IllegalArgumentException(
                    "a bound of %s for the fences of %s is not within 1 ns to %s".formatted(bound, name,
                            LONGEST_BOUND));
        this.domain = domain;
        this.name = name;
        this.context = context;
        this.bound = bound.toNanos();
    }

    /** As {@link FenceOrigin#context}. */
    public long context() {
        return context;
    }

    public String name() {
        return name;
    }

    /** How many fences are not signalled. */
    public synchronized int pending() {
        return pending;
    }

    /** Begins work that is done whether somebody waits or not; see {@link #begin(String, FenceDemand)}. */
    public FenceSignal begin(String label) {
        return begin(label, FenceDemand.NONE);
    }

    /**
     * Begins work: from now on its fence is promised. Where the fence is to be added to a buffer, slots are reserved before,
     * because nothing may fail after.
     *
     * @param label what work it is
     * @param demand what those who wait ask
     * @throws IllegalStateException if the timeline is closed
     */
    public FenceSignal begin(String label, FenceDemand demand) {
        StackTraceElement site = domain.site();
        Fence fence;
        synchronized (this) {
            if (closed)
                throw new IllegalStateException("timeline %s is closed: '%s' was not begun".formatted(name, label));
            long now = domain.now();
            FenceOrigin origin = new FenceOrigin(context, ++lastSeqno, name, label, now, now + bound, site);
            fence = new Fence(domain, origin, demand, null);
            fence.previous = last;
            if (last == null) first = fence;
            else last.next = fence;
            last = fence;
            pending++;
        }
        domain.due(fence.origin().due());
        return new TimelineSignal(this, fence);
    }

    /** @return false if it was signalled before */
    boolean signal(Fence fence, int status) {
        if (!fence.complete(status, domain.now())) return false;
        Fence overtaken = unlink(fence);
        fence.callAll();
        if (overtaken != null) domain.found(new FenceFinding.OutOfOrder(fence, overtaken));
        return true;
    }

    /** @return one before it that is not signalled, or null */
    private synchronized @Nullable Fence unlink(Fence fence) {
        Fence before = fence.previous;
        Fence after = fence.next;
        if (before == null) first = after;
        else before.next = after;
        if (after == null) last = before;
        else after.previous = before;
        fence.previous = null;
        fence.next = null;
        pending--;
        // One that is being signalled by another thread at this moment is on its way out of the list.
        while (before != null && before.isSignalled())
            before = before.previous;
        return before;
    }

    /**
     * Adds those that are due and were not reported.
     *
     * @return nanoseconds until the next one is due; {@link Long#MAX_VALUE} if there is none
     */
    synchronized long takeLate(long now, List<Fence> late) {
        for (Fence fence = first; fence != null; fence = fence.next) {
            if (fence.reportedLate || fence.isSignalled()) continue;
            long left = fence.origin().due() - now;
            // They are due in the order in which they were begun.
            if (left > 0) return left;
            fence.reportedLate = true;
            late.add(fence);
        }
        return Long.MAX_VALUE;
    }

    /** Fails a fence nobody will signal any more in time. */
    void giveUp(Fence fence) {
        signal(fence, Errno.ETIMEDOUT);
    }

    /** Ends it: what is not signalled fails with {@code ECANCELED}, in order, and is reported. Closing twice is closing once. */
    @Override
    public void close() {
        List<Fence> left = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (Fence fence = first; fence != null; fence = fence.next) left.add(fence);
        }
        domain.forget(this);
        for (Fence fence : left) {
            if (signal(fence, Errno.ECANCELED)) domain.found(new FenceFinding.NeverSignalled(fence));
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
