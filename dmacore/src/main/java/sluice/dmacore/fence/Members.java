package sluice.dmacore.fence;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

/** The fences that another one consists of: it is signalled when all of them are, or any. None of them has members itself. */
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
     * What a look at each tells, whether or not anybody has subscribed: pending, or the error of the first in the list that
     * failed; for any, the one that was signalled first counts.
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

    /** Only once the status is not pending. */
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

    /** When the whole is due: with the last of all, or the first of any. */
    long due() {
        long due = fences.getFirst().origin().due();
        for (Fence fence : fences) {
            long later = fence.origin().due() - due;
            if (any ? later < 0 : later > 0) due = fence.origin().due();
        }
        return due;
    }

    /** Has the whole look at its members when that may change its status. */
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
        // If it was signalled meanwhile, those of before have been let go, and those of after have not.
        if (whole.isSignalled()) unsubscribe();
    }

    /** Lets go of members that may never be signalled. */
    void unsubscribe() {
        synchronized (subscriptions) {
            subscriptions.forEach(Subscription::remove);
            subscriptions.clear();
        }
    }
}
