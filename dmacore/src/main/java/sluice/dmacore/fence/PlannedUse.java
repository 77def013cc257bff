package sluice.dmacore.fence;

import java.util.List;

/**
 * A planned use of a buffer with the fences that come before it. It does not wait: when the use begins, it reports
 * fences that should have been waited for. Fences of the user's own timeline need no wait.
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

    /** The fences to be waited for, including signalled ones. */
    public List<Fence> before() {
        return before.stream().map(Before::fence).toList();
    }

    /** Whether all of them are signalled. */
    public boolean isReady() {
        return before.stream().allMatch(one -> one.fence.isSignalled());
    }

    /**
     * Begins the use. Reports each fence that should have been waited for and is pending.
     *
     * @param ownContext context of the user's own timeline, which is ordered without waiting; 0 if it has none
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
