package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * A fence context as in the kernel: fences are signalled in the order of their creation, each within the same bound. A
 * later fence of a timeline implies all earlier ones.
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
    /** Pending fences, in order. */
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

    /** Number of pending fences. */
    public synchronized int pending() {
        return pending;
    }

    /** Begins work that does not depend on waiters; see {@link #begin(String, FenceDemand)}. */
    public FenceSignal begin(String label) {
        return begin(label, FenceDemand.NONE);
    }

    /**
     * Begins work and creates its fence, which must then be signalled. If the fence will be added to a buffer, slots
     * must be reserved before, because nothing may fail afterwards.
     *
     * @param label description of the work
     * @param demand receives requests of waiters
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

    /** @return an earlier pending fence, or null */
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
        // A fence that another thread is signalling now is about to leave the list.
        while (before != null && before.isSignalled())
            before = before.previous;
        return before;
    }

    /**
     * Adds the fences that are due and not reported.
     *
     * @return nanoseconds until the next one is due; {@link Long#MAX_VALUE} if there is none
     */
    synchronized long takeLate(long now, List<Fence> late) {
        for (Fence fence = first; fence != null; fence = fence.next) {
            if (fence.reportedLate || fence.isSignalled()) continue;
            long left = fence.origin().due() - now;
            // They are due in the order of their creation.
            if (left > 0) return left;
            fence.reportedLate = true;
            late.add(fence);
        }
        return Long.MAX_VALUE;
    }

    /** Fails a fence that was not signalled in time. */
    void giveUp(Fence fence) {
        signal(fence, Errno.ETIMEDOUT);
    }

    /**
     * Closes it: pending fences fail with {@code ECANCELED}, in order, and are reported. A second call has no effect.
     */
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
