package sluice.vdev.queue;

/**
 * Negotiated features of the ring (virtio 1.3 §6).
 *
 * @param indirect VIRTIO_F_INDIRECT_DESC: a descriptor may point to a table of others
 * @param eventIndex VIRTIO_F_EVENT_IDX: both sides name the entry at which they want to be notified
 * @param packed VIRTIO_F_RING_PACKED: one ring of descriptors instead of three areas
 * @param inOrder VIRTIO_F_IN_ORDER: chains are used in the order in which they were made available
 * @param notifyOnEmpty VIRTIO_F_NOTIFY_ON_EMPTY: an empty queue interrupts even a driver that wants no interrupts
 */
public record RingFeatures(boolean indirect, boolean eventIndex, boolean packed, boolean inOrder,
        boolean notifyOnEmpty) {
    public static final long NOTIFY_ON_EMPTY = 1L << 24;
    public static final long INDIRECT_DESC = 1L << 28;
    public static final long EVENT_IDX = 1L << 29;
    public static final long RING_PACKED = 1L << 34;
    public static final long IN_ORDER = 1L << 35;
    public static final long RING_RESET = 1L << 40;

    /**
     * All ring features. RING_RESET needs no support in a queue: a reset queue is stopped and started.
     */
    public static final long ALL = NOTIFY_ON_EMPTY | INDIRECT_DESC | EVENT_IDX | RING_PACKED | IN_ORDER | RING_RESET;

    /** A split ring with these features only. */
    public static RingFeatures split(boolean indirect, boolean eventIndex) {
        return new RingFeatures(indirect, eventIndex, false, false, false);
    }

    public static RingFeatures of(long features) {
        return new RingFeatures((features & INDIRECT_DESC) != 0, (features & EVENT_IDX) != 0,
                (features & RING_PACKED) != 0, (features & IN_ORDER) != 0, (features & NOTIFY_ON_EMPTY) != 0);
    }
}
