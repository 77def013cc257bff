package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/** One callback that waits for one fence, and its place in the fence's list. */
public final class Subscription {
    private final Completion completion;
    private final FenceCallback callback;
    /** Neighbours in the list; guarded by the completion, and once it is complete, the signaller's alone. */
    @Nullable
    Subscription previous;
    @Nullable
    Subscription next;

    Subscription(Completion completion, FenceCallback callback) {
        this.completion = completion;
        this.callback = callback;
    }

    /**
     * Takes the callback back.
     *
     * @return true if it was waiting and will never be called; false if it was or is being called, or was taken back before
     */
    public boolean remove() {
        return completion.remove(this);
    }

    void call(Fence fence) {
        try {
            callback.signalled(fence);
        } catch (RuntimeException failure) {
            // One listener's mistake is neither the producer's nor the next listener's.
            fence.domain().found(new FenceFinding.CallbackFailed(fence, failure));
        }
    }
}
