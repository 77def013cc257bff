package sluice.dmacore.fence;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;

/**
 * A promise that work will be done, or will have failed, within a bound. It is kept once and for all: a fence that is signalled
 * stays so. Any thread may ask, wait and subscribe.
 *
 * <p>Some fences consist of others ({@link FenceDomain#allOf}, {@link FenceDomain#anyOf}); for those who wait there is no
 * difference. Behaviour after the kernel's {@code drivers/dma-buf/dma-fence.c} and {@code dma-fence-array.c}.
 */
public final class Fence {
    private final FenceDomain domain;
    private final FenceOrigin origin;
    private final FenceDemand demand;
    private final @Nullable Members members;
    private final Completion completion = new Completion();
    private OptionalLong deadline = OptionalLong.empty();

    /** Neighbours among the pending ones of the timeline, and whether it was reported; guarded by the timeline. */
    @Nullable
    Fence previous;
    @Nullable
    Fence next;
    boolean reportedLate;

    Fence(FenceDomain domain, FenceOrigin origin, FenceDemand demand, @Nullable Members members) {
        this.domain = domain;
        this.origin = origin;
        this.demand = demand;
        this.members = members;
    }

    FenceDomain domain() {
        return domain;
    }

    /** Who made it, when, and until when it must be signalled. */
    public FenceOrigin origin() {
        return origin;
    }

    /** The fences it consists of; empty if it consists of none. */
    public List<Fence> members() {
        return members == null ? List.of() : members.fences();
    }

    /** Whether it consists of others. */
    public boolean isContainer() {
        return members != null;
    }

    /** Whether one member's signal is enough for it. */
    public boolean isAnyOf() {
        return members != null && members.isAny();
    }

    /**
     * Whether it is signalled, for success or not. Only a look: who does the work is not told that somebody cares. A container
     * looks at its members, and what waits for it is called here if they turn out to be done.
     */
    public boolean isSignalled() {
        return status() != Completion.PENDING;
    }

    /** Errno number the work failed with; 0 if it succeeded or is still pending. */
    public int error() {
        return Math.max(status(), 0);
    }

    /**
     * When it was signalled, as the domain's clock counts nanoseconds.
     *
     * @throws IllegalStateException if it is not
     */
    public long signalledAt() {
        if (!isSignalled()) throw new IllegalStateException("fence %s is not signalled".formatted(this));
        return completion.completedAt();
    }

    /** {@link Completion#PENDING}, 0, or an errno number. */
    int status() {
        int status = completion.status();
        if (status != Completion.PENDING || members == null) return status;
        int found = members.status();
        if (found == Completion.PENDING) return found;
        if (complete(found, members.completedAt())) callAll();
        return completion.status();
    }

    /**
     * Whether it comes after another one of its timeline, and so stands for it.
     *
     * @throws IllegalArgumentException if they are of different timelines: there is no order between them
     */
    public boolean isLaterThan(Fence other) {
        if (origin.context() != other.origin.context())
            throw new IllegalArgumentException(
                    "fences %s and %s are of different timelines, and none is the later".formatted(this, other));
        return origin.seqno() - other.origin.seqno() > 0;
    }

    /** Has a callback called once: when it is signalled, or here and now if it is already. */
    public Subscription onSignal(FenceCallback callback) {
        Subscription subscription = new Subscription(completion, callback);
        if (!isSignalled() && completion.add(subscription)) want();
        else subscription.call(this);
        return subscription;
    }

    /**
     * Waits until it is signalled.
     *
     * @param timeout how long at most; with zero it is a look
     * @return whether it is signalled
     * @throws IllegalArgumentException for a negative timeout
     * @throws IllegalStateException where the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean await(Duration timeout) throws InterruptedException {
        long nanos = nanos(timeout);
        domain.refuseWaitInside(origin);
        return awaitNanos(nanos);
    }

    /**
     * Waits until it is signalled, but no longer than its bound: what is not signalled then may never be.
     *
     * @return whether it is signalled
     * @throws IllegalStateException where the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean awaitBound() throws InterruptedException {
        domain.refuseWaitInside(origin);
        return awaitNanos(origin.due() - domain.now());
    }

    boolean awaitNanos(long nanos) throws InterruptedException {
        if (isSignalled()) return true;
        if (nanos <= 0) return false;
        want();
        return completion.await(nanos);
    }

    /** A timeout in nanoseconds; what does not fit, some centuries, is the longest there is. */
    static long nanos(Duration timeout) {
        if (timeout.isNegative())
            throw new IllegalArgumentException("a timeout of %s is negative".formatted(timeout));
        return timeout.compareTo(Duration.ofNanos(Long.MAX_VALUE)) >= 0 ? Long.MAX_VALUE : timeout.toNanos();
    }

    private void want() {
        if (!completion.want()) return;
        if (members != null) members.subscribe(this);
        else demand.wanted(this);
    }

    /** Whether somebody waits, or has waited or subscribed. */
    public boolean isWanted() {
        return completion.isWanted();
    }

    /** How many callbacks wait for it, those of containers too: for whoever looks for a leak. */
    public int callbacks() {
        return completion.subscriptions();
    }

    /**
     * Tells who does the work that it should be done by then, unless it is known to be wanted earlier. A hint: nothing happens
     * if it is not.
     *
     * @param nanos as the domain's clock counts
     */
    public void hintDeadline(long nanos) {
        if (isSignalled()) return;
        synchronized (completion) {
            if (deadline.isPresent() && nanos - deadline.getAsLong() >= 0) return;
            deadline = OptionalLong.of(nanos);
        }
        if (members == null) demand.deadline(this, nanos);
        else for (Fence member : members.fences()) member.hintDeadline(nanos);
    }

    /** The earliest time that was hinted at. */
    public OptionalLong deadline() {
        synchronized (completion) {
            return deadline;
        }
    }

    /** Signals it; who gets true has to {@link #callAll}. */
    boolean complete(int status, long now) {
        return completion.complete(status, now);
    }

    void callAll() {
        if (members != null) members.unsubscribe();
        completion.callAll(this);
    }

    /** As {@link FenceOrigin#toString}. */
    @Override
    public String toString() {
        return origin.toString();
    }
}
