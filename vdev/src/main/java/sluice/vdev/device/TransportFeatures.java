package sluice.vdev.device;

import sluice.vdev.queue.RingFeatures;

/** Feature bits that belong to no device (virtio 1.3 §6): what every transport offers alike, because the queues can do it. */
public final class TransportFeatures {
    /** VIRTIO_F_VERSION_1: none of this is about the legacy interface. */
    public static final long VERSION_1 = 1L << 32;
    /** VIRTIO_F_ACCESS_PLATFORM: the driver gives bus addresses. */
    public static final long ACCESS_PLATFORM = 1L << 33;

    private TransportFeatures() {}

    /** What is offered for a device: its own bits, and those. */
    public static long offered(VirtioDevice device) {
        return device.features() | RingFeatures.ALL | VERSION_1 | ACCESS_PLATFORM;
    }
}
