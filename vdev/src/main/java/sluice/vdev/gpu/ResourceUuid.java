package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/** The UUID of a resource: random, created on first use, or that of another device's object. */
final class ResourceUuid {
    private @Nullable UUID value;

    ResourceUuid() {}

    /** @param given by another device */
    ResourceUuid(UUID given) {
        value = given;
    }

    /** Whether the guest has asked for it. */
    boolean isAssigned() {
        return value != null;
    }

    UUID value() {
        UUID present = value;
        if (present == null) {
            present = UUID.randomUUID();
            value = present;
        }
        return present;
    }

    /** 16 bytes, as in the response to VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID. */
    byte[] bytes() {
        UUID present = value();
        return ByteBuffer.allocate(Wire.ResourceUuid.UUID_BYTES).putLong(present.getMostSignificantBits())
                .putLong(present.getLeastSignificantBits()).array();
    }
}
