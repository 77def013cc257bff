package sluice.vdev.device;

/**
 * A shared memory region of a virtio device (virtio 1.3 §2.10).
 *
 * @param id 0 to 255; its meaning is defined by the device's specification
 * @param bytes a multiple of 4096
 */
public record SharedRegion(int id, long bytes) {
    /** Granularity of regions and mapped parts, in bytes. */
    public static final long PAGE = 4096;
    private static final int LAST_ID = 255;

    public SharedRegion {
        if (id < 0 || id > LAST_ID || bytes <= 0 || bytes % PAGE != 0) {
            throw new IllegalArgumentException(
                    "shared memory region %d of 0x%x bytes: give an id from 0 to %d and a multiple of %d bytes"
                            .formatted(id,
                                    bytes, LAST_ID, PAGE));
        }
    }

    /** The bytes of the whole pages that something takes in a region. */
    public static long whole(long bytes) {
        return Math.ceilDiv(bytes, PAGE) * PAGE;
    }
}
