package sluice.dmacore.fence;

/**
 * What those who wait ask of whoever does the work. Called by any thread, outside of all locks; must neither wait nor throw.
 */
public interface FenceDemand {
    /** For work that is done and signalled whether somebody waits or not. */
    FenceDemand NONE = new FenceDemand() {};

    /**
     * Somebody waits or has added a callback; told once. Work that nobody waits for may be put off until then, but must be
     * signalled within its bound in any case. A look at the status is no demand.
     */
    default void wanted(Fence fence) {}

    /**
     * Somebody would like it to be signalled by then: a hint, no promise.
     *
     * @param nanos as the domain's clock counts; earlier than what was told before, unless two are told at the same time
     */
    default void deadline(Fence fence, long nanos) {}
}
