package sluice.dmacore.fence;

/** The producer's end of a fence. A {@link Fence} can only be waited for, not signalled. */
public sealed interface FenceSignal permits TimelineSignal, FaultySignal {
    Fence fence();

    /**
     * The work succeeded. Wakes waiters and runs callbacks on this thread; allocates nothing.
     *
     * @return false if the fence was already signalled; its result is unchanged then
     */
    boolean succeed();

    /**
     * The work failed.
     *
     * @param errno Linux errno number, 1 to 4095
     * @return false if the fence was already signalled; its result is unchanged then
     * @throws IllegalArgumentException for any other number
     */
    boolean fail(int errno);
}
