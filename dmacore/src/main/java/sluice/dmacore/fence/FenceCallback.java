package sluice.dmacore.fence;

/** Called when a fence is signalled. */
@FunctionalInterface
public interface FenceCallback {
    /**
     * The fence is signalled; {@link Fence#error} says how it went. Called by whichever thread signals, outside of all locks
     * of this package; must not wait.
     */
    void signalled(Fence fence);
}
