package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/** A 2D resource: the host's image of it, and the guest pages it is filled from while they are attached. */
final class Resource {
    final int id;
    final PixelFormat format;
    final HostImage image;
    /** Reserved in the {@link ResourceTable}, which counts. */
    @Nullable
    Backing backing;
    private byte @Nullable [] uuid;

    Resource(int id, PixelFormat format, HostImage image) {
        this.id = id;
        this.format = format;
        this.image = image;
    }

    /** A random UUID, the same each time, under which other devices may ask for the resource. */
    byte[] uuid() {
        byte[] present = uuid;
        if (present == null) {
            UUID random = UUID.randomUUID();
            present = ByteBuffer.allocate(Wire.ResourceUuid.UUID_BYTES).putLong(random.getMostSignificantBits())
                    .putLong(random.getLeastSignificantBits()).array();
            uuid = present;
        }
        return present;
    }

    long imageBytes() {
        return HostImage.bytes(image.width(), image.height());
    }
}
