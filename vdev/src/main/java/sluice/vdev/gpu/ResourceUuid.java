package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/** The random UUID of a resource, the same each time, and made for the first who asks. */
final class ResourceUuid {
    private byte @Nullable [] bytes;

    /** As VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID answers it: 16 bytes. */
    byte[] bytes() {
        byte[] present = bytes;
        if (present == null) {
            UUID random = UUID.randomUUID();
            present = ByteBuffer.allocate(Wire.ResourceUuid.UUID_BYTES).putLong(random.getMostSignificantBits())
                    .putLong(random.getLeastSignificantBits()).array();
            bytes = present;
        }
        return present;
    }
}
