package sluice.vdev.queue;

/**
 * What the driver negotiated of the ring itself (virtio 1.3 §6).
 *
 * @param indirect VIRTIO_F_INDIRECT_DESC
 * @param eventIndex VIRTIO_F_EVENT_IDX
 */
public record RingFeatures(boolean indirect, boolean eventIndex) {
    public static final long INDIRECT_DESC = 1L << 28;
    public static final long EVENT_IDX = 1L << 29;

    public static RingFeatures of(long features) {
        return new RingFeatures((features & INDIRECT_DESC) != 0, (features & EVENT_IDX) != 0);
    }
}
