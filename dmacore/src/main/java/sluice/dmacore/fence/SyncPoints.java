package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * A sequence of increasing points, each reached when its fence and those of all earlier points are signalled. A wait
 * for a point may begin before its fence is attached. Like a timeline {@code DRM_SYNCOBJ} of Linux with {@code
 * WAIT_FOR_SUBMIT}. Thread-safe.
 */
public final class SyncPoints {
    private record Point(long number, List<Fence> fences) {}

    private final FenceDomain domain;
    private final String name;
    /** In order; reached points are removed from the front. */
    private final Deque<Point> pending = new ArrayDeque<>();
    private long lastAttached;
    private long reached;

    public SyncPoints(FenceDomain domain, String name) {
        this.domain = domain;
        this.name = name;
    }

    /**
     * Attaches a fence to a point.
     *
     * @param point greater than all earlier points; at least 1
     * @throws FenceRefusedException {@code EINVAL} if it is not, or if the fence is any-of
     */
    public void attach(long point, Fence fence) throws FenceRefusedException {
        List<Fence> parts = FenceMerge.takeApart(List.of(fence));
        synchronized (this) {
            if (point <= lastAttached)
                throw new FenceRefusedException(Errno.EINVAL,
                        "point %d of %s comes after point %d: points only grow".formatted(point, name, lastAttached));
            forgetReached();
            pending.addLast(new Point(point, parts));
            lastAttached = point;
            notifyAll();
        }
    }

    private void forgetReached() {
        while (!pending.isEmpty() && isReached(pending.getFirst()))
            reached = pending.removeFirst().number;
    }

    private static boolean isReached(Point point) {
        for (Fence fence : point.fences) if (!fence.isSignalled()) return false;
        return true;
    }

    /** The last point a fence was attached to; 0 if none was. */
    public synchronized long lastAttached() {
        return lastAttached;
    }

    /** The last point reached; 0 if none is. Corresponds to DRM_IOCTL_SYNCOBJ_QUERY. */
    public synchronized long reached() {
        forgetReached();
        return reached;
    }

    /**
     * A fence that is signalled when a point is reached.
     *
     * @return null if no fence is attached to this point or a later one yet
     */
    public synchronized @Nullable Fence fenceAt(long point) {
        if (point > lastAttached) return null;
        List<Fence> needed = new ArrayList<>();
        long before = reached;
        for (Point each : pending) {
            // A point without a fence is reached with the next one that has a fence.
            if (before >= point) break;
            needed.addAll(each.fences);
            before = each.number;
        }
        return FenceMerge.gather(domain, describe(point), needed);
    }

    private String describe(long point) {
        return "point %d of %s".formatted(point, name);
    }

    /**
     * Waits until a fence is attached to a point and the point is reached.
     *
     * @return whether it is reached
     * @throws IllegalArgumentException for a negative timeout
     * @throws IllegalStateException if the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean await(long point, Duration timeout) throws InterruptedException {
        long nanos = Fence.nanos(timeout);
        domain.refuseWaitInside(describe(point));
        long end = System.nanoTime() + nanos;
        Fence fence = awaitAttached(point, end);
        return fence != null && fence.awaitNanos(end - System.nanoTime());
    }

    private synchronized @Nullable Fence awaitAttached(long point, long end) throws InterruptedException {
        while (lastAttached < point) {
            long left = end - System.nanoTime();
            if (left <= 0) return null;
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return fenceAt(point);
    }

    @Override
    public String toString() {
        return name;
    }
}
