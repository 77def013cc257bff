package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** The memory of a blob (virtio 1.3 §5.7.6.8, VIRTIO_GPU_BLOB_MEM_*). */
enum BlobMemory {
    /** In guest pages. */
    GUEST(1),
    /** In host memory, which the guest may map in a window. */
    HOST3D(2),
    /** In both. */
    HOST3D_GUEST(3);

    /** VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE. */
    static final int FLAG_MAPPABLE = 1;
    /** VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE, _SHAREABLE and _CROSS_DEVICE. */
    static final int FLAGS = 7;

    private final int wireNumber;

    BlobMemory(int wireNumber) {
        this.wireNumber = wireNumber;
    }

    int wireNumber() {
        return wireNumber;
    }

    /** The kind of a wire value, or null. */
    static @Nullable BlobMemory ofWire(int number) {
        return switch (number) {
            case 1 -> GUEST;
            case 2 -> HOST3D;
            case 3 -> HOST3D_GUEST;
            default -> null;
        };
    }
}
