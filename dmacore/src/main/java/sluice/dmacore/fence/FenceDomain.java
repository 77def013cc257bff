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
 * Where fences come from: timelines with a common clock, listener and rules. Mostly a process has one. Fences of several domains
 * may be combined.
 */
public final class FenceDomain {
    /** Contexts are numbers of the process, so that fences of several domains can be told apart. */
    private static final AtomicLong CONTEXTS = new AtomicLong();

    /** Those through whom fences are asked for: of interest is who asked them. */
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
     * A timeline of its own.
     *
     * @param name who does the work, such as {@code gpu0 ring 0}
     * @param bound by when each fence is signalled, from 1 ns to an hour
     * @throws IllegalArgumentException for any other bound
     */
    public FenceTimeline openTimeline(String name, Duration bound) {
        FenceTimeline timeline = new FenceTimeline(this, name, CONTEXTS.incrementAndGet(), bound);
        timelines.add(timeline);
        return timeline;
    }

    /** A fence that is signalled: what there is to wait for when there is nothing to wait for. */
    public Fence signalled(String label) {
        return signalled(label, 0, now());
    }

    Fence signalled(String label, int status, long at) {
        Fence fence = new Fence(this, origin(label, at, at), FenceDemand.NONE, null);
        fence.complete(status, at);
        return fence;
    }

    /**
     * A fence that is signalled when all of some are; it fails with the error of the first in the list that failed.
     *
     * @throws IllegalArgumentException if there are none, or one consists of others: {@link #merge} takes such
     */
    public Fence allOf(String label, List<Fence> fences) {
        return container(label, new Members(fences, false));
    }

    /**
     * A fence that is signalled when the first of some is, and fails if that one failed.
     *
     * @throws IllegalArgumentException if there are none, or one consists of others
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
     * One fence for some, which may be all-of themselves. Of each timeline only the latest is kept, what has succeeded is left
     * out, and what has failed stays for its error. Nothing left gives a signalled fence, one gives itself.
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
        // When everybody can get on: a listener is not what they should wait for.
        for (Fence fence : late) found(new FenceFinding.Late(fence, now - fence.origin().begunAt()));
        return next;
    }

    /**
     * Has a thread {@link #checkLate} whenever a fence is due, until it is closed.
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

    /** A fence was begun. */
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

    /** @param what was to be waited for */
    void refuseWaitInside(Object what) {
        String inside = options.guard().inside();
        if (inside == null) return;
        FenceFinding finding = new FenceFinding.WaitedInSection(what.toString(), inside);
        found(finding);
        throw new IllegalStateException(finding.sentence());
    }

    /** The code that asked for a fence. */
    @Nullable
    StackTraceElement site() {
        if (!options.sites()) return null;
        return StackWalker.getInstance().walk(frames -> frames.filter(frame -> !MAKERS.contains(frame.getClassName()))
                .findFirst().map(StackWalker.StackFrame::toStackTraceElement).orElse(null));
    }
}
