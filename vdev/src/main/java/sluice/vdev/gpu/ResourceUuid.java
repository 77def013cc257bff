package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/** The random UUID of a resource, created on first use. */
final class ResourceUuid {
    private byte @Nullable [] bytes;

    /** 16 bytes, as in the response to VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID. */
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
