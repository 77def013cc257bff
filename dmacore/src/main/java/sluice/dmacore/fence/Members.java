package sluice.dmacore.fence;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

/** The members of a container fence, which is signalled when all of them are, or any. Containers do not nest. */
final class Members {
    private final List<Fence> fences;
    private final boolean any;
    private final AtomicInteger pending;
    /** Guarded by itself. */
    private final List<Subscription> subscriptions = new ArrayList<>();

    Members(List<Fence> fences, boolean any) {
        this.fences = List.copyOf(fences);
        this.any = any;
        if (fences.isEmpty()) throw new IllegalArgumentException("a fence of no fences would never be signalled");
        for (Fence fence : fences) {
            if (fence.isContainer())
                throw new IllegalArgumentException(
                        "fence %s consists of others: merge them instead, containers do not nest".formatted(fence));
        }
        pending = new AtomicInteger(fences.size());
    }

    List<Fence> fences() {
        return fences;
    }

    boolean isAny() {
        return any;
    }

    /**
     * The status from polling each member: pending, or the error of the first failed member in list order; for any-of,
     * that of the member signalled first.
     */
    int status() {
        if (any) {
            Fence earliest = earliest();
            return earliest == null ? Completion.PENDING : earliest.status();
        }
        int error = 0;
        for (Fence fence : fences) {
            int status = fence.status();
            if (status == Completion.PENDING) return status;
            if (error == 0) error = status;
        }
        return error;
    }

    private @Nullable Fence earliest() {
        Fence earliest = null;
        for (Fence fence : fences) {
            if (fence.isSignalled() && (earliest == null || fence.signalledAt() - earliest.signalledAt() < 0))
                earliest = fence;
        }
        return earliest;
    }

    /** Called when the status is not pending. */
    long completedAt() {
        Fence found = fences.getFirst();
        if (any) {
            Fence earliest = earliest();
            if (earliest != null) found = earliest;
        } else {
            for (Fence fence : fences) if (fence.signalledAt() - found.signalledAt() > 0) found = fence;
        }
        return found.signalledAt();
    }

    /** The deadline: that of the last member for all-of, of the first for any-of. */
    long due() {
        long due = fences.getFirst().origin().due();
        for (Fence fence : fences) {
            long later = fence.origin().due() - due;
            if (any ? later < 0 : later > 0) due = fence.origin().due();
        }
        return due;
    }

    /** Subscribes the container to its members. */
    void subscribe(Fence whole) {
        for (Fence fence : fences) {
            Subscription subscription = fence.onSignal(_ -> {
                if (pending.decrementAndGet() == 0 || any) whole.status();
            });
            if (!any) continue;
            synchronized (subscriptions) {
                subscriptions.add(subscription);
            }
        }
        // If the container was signalled meanwhile, earlier subscriptions were dropped, but later ones were not.
        if (whole.isSignalled()) unsubscribe();
    }

    /** Unsubscribes from members that may never be signalled. */
    void unsubscribe() {
        synchronized (subscriptions) {
            subscriptions.forEach(Subscription::remove);
            subscriptions.clear();
        }
    }
}
