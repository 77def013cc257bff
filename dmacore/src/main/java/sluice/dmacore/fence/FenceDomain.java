package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;

/**
 * The source of fences: timelines with a common clock, listener and rules. A process usually has one. Fences of several
 * domains may be combined.
 */
public final class FenceDomain {
    /** Contexts are unique in the process, so that fences of several domains can be distinguished. */
    private static final AtomicLong CONTEXTS = new AtomicLong();

    /** Classes of this package, which are skipped to find the calling code. */
    private static final Set<String> MAKERS = Set.of(FenceDomain.class.getName(), FenceTimeline.class.getName(),
            FenceMerge.class.getName(), FenceFaults.class.getName(), Reservation.class.getName(),
            SyncFile.class.getName(), SyncPoints.class.getName());

    private final FenceOptions options;
    private final List<FenceTimeline> timelines = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable FenceWatch> watch = new AtomicReference<>();

    public FenceDomain(FenceOptions options) {
        this.options = options;
    }

    /**
     * Opens a timeline.
     *
     * @param name name of the producer, such as {@code gpu0 ring 0}
     * @param bound time within which each fence is signalled, from 1 ns to an hour
     * @throws IllegalArgumentException for any other bound
     */
    public FenceTimeline openTimeline(String name, Duration bound) {
        FenceTimeline timeline = new FenceTimeline(this, name, CONTEXTS.incrementAndGet(), bound);
        timelines.add(timeline);
        return timeline;
    }

    /** A signalled fence, for an idle buffer. */
    public Fence signalled(String label) {
        return signalled(label, 0, now());
    }

    Fence signalled(String label, int status, long at) {
        Fence fence = new Fence(this, origin(label, at, at), FenceDemand.NONE, null);
        fence.complete(status, at);
        return fence;
    }

    /**
     * A fence that is signalled when all members are; it fails with the error of the first failed member in list order.
     *
     * @throws IllegalArgumentException if the list is empty, or contains a container: use {@link #merge}
     */
    public Fence allOf(String label, List<Fence> fences) {
        return container(label, new Members(fences, false));
    }

    /**
     * A fence that is signalled with its first member, and fails if that one failed.
     *
     * @throws IllegalArgumentException if the list is empty, or contains a container
     */
    public Fence anyOf(String label, List<Fence> fences) {
        return container(label, new Members(fences, true));
    }

    private Fence container(String label, Members members) {
        return new Fence(this, origin(label, now(), members.due()), FenceDemand.NONE, members);
    }

    private FenceOrigin origin(String label, long begunAt, long due) {
        return new FenceOrigin(CONTEXTS.incrementAndGet(), 1, "combined", label, begunAt, due, site());
    }

    /**
     * Merges fences, which may be all-of containers. Keeps the latest of each timeline, drops those that succeeded, and
     * keeps those that failed for their error. Returns a signalled fence if none is left, and a single fence itself.
     *
     * @throws FenceRefusedException {@code EINVAL} if one is any-of: taken apart, all of its parts would be waited for
     */
    public Fence merge(String label, List<Fence> fences) throws FenceRefusedException {
        return FenceMerge.gather(this, label, FenceMerge.takeApart(fences));
    }

    /**
     * Reports the fences that are not signalled within their bounds, each once.
     *
     * @return nanoseconds until the next one is due; {@link Long#MAX_VALUE} if there is none
     */
    public long checkLate(LatePolicy policy) {
        long now = now();
        long next = Long.MAX_VALUE;
        List<Fence> late = new ArrayList<>();
        int done = 0;
        for (FenceTimeline timeline : timelines) {
            next = Math.min(next, timeline.takeLate(now, late));
            if (policy == LatePolicy.FAIL) late.subList(done, late.size()).forEach(timeline::giveUp);
            done = late.size();
        }
        // After waiters are woken: they must not wait for a listener.
        for (Fence fence : late) found(new FenceFinding.Late(fence, now - fence.origin().begunAt()));
        return next;
    }

    /**
     * Starts a thread that calls {@link #checkLate} when a fence is due, until it is closed.
     *
     * @throws IllegalStateException if there is one
     */
    public FenceWatch watch(LatePolicy policy) {
        FenceWatch mine = new FenceWatch(this, policy);
        if (!watch.compareAndSet(null, mine)) throw new IllegalStateException("these fences are watched already");
        mine.start();
        return mine;
    }

    void unwatch(FenceWatch which) {
        watch.compareAndSet(which, null);
    }

    /** A fence was created. */
    void due(long due) {
        FenceWatch present = watch.get();
        if (present != null) present.due(due);
    }

    void forget(FenceTimeline timeline) {
        timelines.remove(timeline);
    }

    long now() {
        return options.clock().getAsLong();
    }

    void found(FenceFinding finding) {
        options.listener().found(finding);
    }

    /** @param what the fence to be waited for */
    void refuseWaitInside(Object what) {
        String inside = options.guard().inside();
        if (inside == null) return;
        FenceFinding finding = new FenceFinding.WaitedInSection(what.toString(), inside);
        found(finding);
        throw new IllegalStateException(finding.sentence());
    }

    /** The calling code. */
    @Nullable
    StackTraceElement site() {
        if (!options.sites()) return null;
        return StackWalker.getInstance().walk(frames -> frames.filter(frame -> !MAKERS.contains(frame.getClassName()))
                .findFirst().map(StackWalker.StackFrame::toStackTraceElement).orElse(null));
    }
}
