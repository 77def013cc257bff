package sluice.vdev.queue;

import sluice.dmacore.memory.FrontTranslation;

/**
 * The device's side of one virtqueue. Used by one thread.
 *
 * <p>The work of one turn: {@link #poll} until {@link Polled.Empty}, complete what is done, {@link #publish} once. The
 * driver sees completed chains only when they are published.
 */
public interface Virtqueue {
    /**
     * Starts a queue of the kind the driver negotiated.
     *
     * @param position where to go on, from SET_VRING_BASE
     * @param rings translates the addresses of {@code layout}
     * @param buffers translates the addresses in descriptors
     * @throws IllegalArgumentException if the layout is none for this kind of ring
     */
    static Virtqueue open(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt) {
        return features.packed()
                ? new PackedQueue(layout, position, features, rings, buffers, interrupt)
                : new SplitQueue(layout, position, features, rings, buffers, interrupt);
    }

    /** Number of descriptors. */
    int size();

    /** The next chain the driver made available, or why there is none. */
    Polled poll();

    /**
     * Takes back the chain that was polled last, as if it had not been: {@link #poll} gives it out again, and {@link
     * #position} is before it.
     */
    void takeBack(Chain chain);

    /**
     * Shows the driver what was completed since the last call, and interrupts it if it wants to be.
     *
     * @return {@link Polled.Empty} when done; {@link Polled.Stalled} if the used ring's address is not known yet: nothing
     *         is lost, call again once it was filled; {@link Polled.Broken}
     */
    Polled publish();

    /**
     * Asks the driver for a notification at its next buffer.
     *
     * @return true if a buffer arrived meanwhile, or the ring is out of reach and the driver was not asked: then poll
     *         again instead of waiting
     */
    boolean enableNotifications();

    /** Tells the driver that it need not notify: we are looking anyway. A hint; notifications may still come. */
    void disableNotifications();

    /**
     * Ring position of the next chain, as SET_VRING_BASE and GET_VRING_BASE carry it: an index, or for a packed ring two
     * indices with their wrap counters.
     */
    int position();

    /** Chains that were polled and not completed. */
    int inFlight();

    /** Ends this life of the queue: completing one of its chains from now on does nothing. */
    void stop();
}
