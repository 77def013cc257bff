package sluice.dmacore.fence;

/** The producer's end of a fence. Who only has the {@link Fence} can wait for it, but not signal it. */
public sealed interface FenceSignal permits TimelineSignal, FaultySignal {
    Fence fence();

    /**
     * The work is done. Wakes who waits and calls callbacks on this thread; allocates nothing.
     *
     * @return false if the fence was signalled before, which stands
     */
    boolean succeed();

    /**
     * The work failed.
     *
     * @param errno Linux errno number, 1 to 4095
     * @return false if the fence was signalled before, which stands
     * @throws IllegalArgumentException for any other number
     */
    boolean fail(int errno);
}
