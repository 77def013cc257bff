package sluice.dmacore.fence;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;

/**
 * A fence: it is signalled when work is done or has failed, within a bound. A signalled fence stays signalled.
 * Thread-safe.
 *
 * <p>Some fences consist of others ({@link FenceDomain#allOf}, {@link FenceDomain#anyOf}); waiters see no difference.
 * Behaviour follows the kernel's {@code drivers/dma-buf/dma-fence.c} and {@code dma-fence-array.c}.
 */
public final class Fence {
    private final FenceDomain domain;
    private final FenceOrigin origin;
    private final FenceDemand demand;
    private final @Nullable Members members;
    private final Completion completion = new Completion();
    private OptionalLong deadline = OptionalLong.empty();

    /** Links in the timeline's list of pending fences, and whether it was reported; guarded by the timeline. */
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

    /** Its timeline, creation time and deadline. */
    public FenceOrigin origin() {
        return origin;
    }

    /** Its member fences; empty if it is not a container. */
    public List<Fence> members() {
        return members == null ? List.of() : members.fences();
    }

    /** Whether it is a container. */
    public boolean isContainer() {
        return members != null;
    }

    /** Whether it is signalled with its first member. */
    public boolean isAnyOf() {
        return members != null && members.isAny();
    }

    /**
     * Whether it is signalled, with success or an error. Does not enable signalling. A container checks its members,
     * and runs its callbacks here if they are signalled.
     */
    public boolean isSignalled() {
        return status() != Completion.PENDING;
    }

    /** Errno number the work failed with; 0 if it succeeded or is still pending. */
    public int error() {
        return Math.max(status(), 0);
    }

    /**
     * Time of the signal, in nanoseconds of the domain's clock.
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
     * Whether it comes after another fence of its timeline, and so implies it.
     *
     * @throws IllegalArgumentException if they are of different timelines, which have no common order
     */
    public boolean isLaterThan(Fence other) {
        if (origin.context() != other.origin.context())
            throw new IllegalArgumentException(
                    "fences %s and %s are of different timelines, and none is the later".formatted(this, other));
        return origin.seqno() - other.origin.seqno() > 0;
    }

    /** Adds a callback that runs once: at the signal, or immediately if it is already signalled. */
    public Subscription onSignal(FenceCallback callback) {
        Subscription subscription = new Subscription(completion, callback);
        if (!isSignalled() && completion.add(subscription)) want();
        else subscription.call(this);
        return subscription;
    }

    /**
     * Waits until it is signalled.
     *
     * @param timeout longest wait; zero polls
     * @return whether it is signalled
     * @throws IllegalArgumentException for a negative timeout
     * @throws IllegalStateException if the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean await(Duration timeout) throws InterruptedException {
        long nanos = nanos(timeout);
        domain.refuseWaitInside(origin);
        return awaitNanos(nanos);
    }

    /**
     * Waits until it is signalled, at most until its bound.
     *
     * @return whether it is signalled
     * @throws IllegalStateException if the calling thread must not wait; see {@link WaitGuard}
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

    /** A timeout in nanoseconds, clamped to {@link Long#MAX_VALUE}. */
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

    /** Whether signalling is enabled, by a wait or a callback. */
    public boolean isWanted() {
        return completion.isWanted();
    }

    /** Number of pending callbacks, including those of containers; for leak checks. */
    public int callbacks() {
        return completion.subscriptions();
    }

    /**
     * Passes a deadline hint to the producer, unless an earlier one was set. Missing it has no consequence.
     *
     * @param nanos time of the domain's clock
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

    /** The earliest deadline hint. */
    public OptionalLong deadline() {
        synchronized (completion) {
            return deadline;
        }
    }

    /** Signals it; a caller that gets true must call {@link #callAll}. */
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
