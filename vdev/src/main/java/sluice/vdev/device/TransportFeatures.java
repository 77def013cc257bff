package sluice.vdev.device;

import sluice.vdev.queue.RingFeatures;

/** Device-independent feature bits (virtio 1.3 §6), offered by all transports, because the queues implement them. */
public final class TransportFeatures {
    /** VIRTIO_F_VERSION_1: the legacy interface is not supported. */
    public static final long VERSION_1 = 1L << 32;
    /** VIRTIO_F_ACCESS_PLATFORM: the driver passes bus addresses. */
    public static final long ACCESS_PLATFORM = 1L << 33;

    private TransportFeatures() {}

    /** The bits offered for a device: its own, and these. */
    public static long offered(VirtioDevice device) {
        return device.features() | RingFeatures.ALL | VERSION_1 | ACCESS_PLATFORM;
    }
}
