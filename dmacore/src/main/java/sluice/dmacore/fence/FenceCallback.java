package sluice.dmacore.fence;

/** Called when a fence is signalled. */
@FunctionalInterface
public interface FenceCallback {
    /**
     * The fence is signalled; {@link Fence#error} is its result. Called on the signalling thread, outside all locks of
     * this package; must not wait.
     */
    void signalled(Fence fence);
}
