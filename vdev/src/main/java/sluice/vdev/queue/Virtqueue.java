package sluice.vdev.queue;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;

/**
 * The device's side of one virtqueue. Used by one thread.
 *
 * <p>One turn: {@link #poll} until {@link Polled.Empty}, complete chains, {@link #publish} once. The driver sees
 * completed chains only after publication.
 */
public interface Virtqueue {
    /**
     * Starts a split or packed queue, as negotiated.
     *
     * @param position start position, from SET_VRING_BASE
     * @param rings translates the addresses of {@code layout}
     * @param buffers translates the addresses in descriptors
     * @param trace receives the times of its requests
     * @throws IllegalArgumentException if the layout is invalid for this kind of ring
     */
    static Virtqueue open(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt, QueueTrace trace) {
        return features.packed()
                ? new PackedQueue(layout, position, features, rings, buffers, interrupt, trace)
                : new SplitQueue(layout, position, features, rings, buffers, interrupt, trace);
    }

    /** Starts a queue that is not traced. */
    static Virtqueue open(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt) {
        return open(layout, position, features, rings, buffers, interrupt, QueueTrace.NONE);
    }

    /** Number of descriptors. */
    int size();

    /** Returns the next available chain, or why there is none. */
    Polled poll();

    /**
     * Undoes the last poll: the next {@link #poll} returns the same chain, and {@link #position} is before it.
     */
    void takeBack(Chain chain);

    /**
     * Publishes the chains completed since the last call, and interrupts the driver if it has asked for it.
     *
     * @return {@link Polled.Empty} on success; {@link Polled.Stalled} if the translation of the used ring is missing:
     * nothing is lost, call again when it has arrived; {@link Polled.Broken}
     */
    Polled publish();

    /**
     * Enables notifications for the next available buffer.
     *
     * @return true if a buffer arrived in the meantime, or the ring is unreachable and notifications are not enabled:
     * poll again instead of waiting
     */
    boolean enableNotifications();

    /**
     * The device has no event for the buffers that are left in the ring. In a queue in which the device takes a buffer only for an event,
     * such as the eventq of virtio-input (virtio 1.3 §5.8.2), a posted buffer waits for nothing: the time until that event is no request's.
     */
    void leavePosted();

    /** Disables notifications while the device polls. A hint: notifications may still arrive. */
    void disableNotifications();

    /**
     * Ring position of the next chain, as SET_VRING_BASE and GET_VRING_BASE carry it: an index, or for a packed ring two
     * indices with their wrap counters.
     */
    int position();

    /** Number of chains polled and not completed. */
    int inFlight();

    /** Stops the queue: completing one of its chains has no effect any more. */
    void stop();
}
