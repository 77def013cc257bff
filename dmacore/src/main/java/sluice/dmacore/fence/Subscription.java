package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/** One callback on one fence, and its links in the fence's list. */
public final class Subscription {
    private final Completion completion;
    private final FenceCallback callback;
    /** List links; guarded by the completion, and after completion used by the signalling thread only. */
    @Nullable
    Subscription previous;
    @Nullable
    Subscription next;

    Subscription(Completion completion, FenceCallback callback) {
        this.completion = completion;
        this.callback = callback;
    }

    /**
     * Removes the callback.
     *
     * @return true if it was pending and will never run; false if it has run, is running, or was removed before
     */
    public boolean remove() {
        return completion.remove(this);
    }

    void call(Fence fence) {
        try {
            callback.signalled(fence);
        } catch (RuntimeException failure) {
            // An exception of one callback affects neither the producer nor other callbacks.
            fence.domain().found(new FenceFinding.CallbackFailed(fence, failure));
        }
    }
}
