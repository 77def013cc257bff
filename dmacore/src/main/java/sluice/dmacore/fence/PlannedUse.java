package sluice.dmacore.fence;

import java.util.List;

/**
 * A use of a buffer that has its place in the order of uses, and what comes before it. It does not wait: it tells, when the use
 * begins, whether whoever uses the buffer has waited. Fences of the user's own timeline are waited for by its order.
 */
public final class PlannedUse {
    /** A fence that was pending when the use was planned. */
    record Before(Fence fence, Usage usage) {}

    private final FenceDomain domain;
    private final String buffer;
    private final String who;
    private final boolean write;
    private final List<Before> before;

    PlannedUse(FenceDomain domain, String buffer, String who, boolean write, List<Before> before) {
        this.domain = domain;
        this.buffer = buffer;
        this.who = who;
        this.write = write;
        this.before = List.copyOf(before);
    }

    /** What has to be waited for, signalled or not by now. */
    public List<Fence> before() {
        return before.stream().map(Before::fence).toList();
    }

    /** Whether all of it is signalled. */
    public boolean isReady() {
        return before.stream().allMatch(one -> one.fence.isSignalled());
    }

    /**
     * The use begins now. Reports each fence that should have been waited for and was not.
     *
     * @param ownContext context of the user's own timeline, whose order holds without waiting; 0 if it has none
     * @return whether there was nothing to report
     */
    public boolean begin(long ownContext) {
        boolean waited = true;
        for (Before one : before) {
            if (one.fence.origin().context() == ownContext || one.fence.isSignalled()) continue;
            waited = false;
            domain.found(new FenceFinding.NotWaited(buffer, who, write, one.fence, one.usage));
        }
        return waited;
    }
}
