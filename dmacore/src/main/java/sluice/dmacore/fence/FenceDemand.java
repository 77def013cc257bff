package sluice.dmacore.fence;

/**
 * Requests of waiters to the producer. Called by any thread, outside all locks; must neither wait nor throw.
 */
public interface FenceDemand {
    /** For work that is done and signalled without waiters, too. */
    FenceDemand NONE = new FenceDemand() {};

    /**
     * Enables signalling: the first wait or callback; called once. Until then the work may be postponed, but must be
     * signalled within its bound. Reading the status does not enable signalling.
     */
    default void wanted(Fence fence) {}

    /**
     * A deadline hint.
     *
     * @param nanos time of the domain's clock; earlier than previous hints, unless two threads set one concurrently
     */
    default void deadline(Fence fence, long nanos) {}
}
