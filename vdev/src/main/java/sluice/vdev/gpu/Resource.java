package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** A 2D resource: the host's image of it, and the guest pages it is filled from while they are attached. */
final class Resource {
    final int id;
    final PixelFormat format;
    final HostImage image;
    @Nullable
    Backing backing;

    Resource(int id, PixelFormat format, HostImage image) {
        this.id = id;
        this.format = format;
        this.image = image;
    }

    long imageBytes() {
        return HostImage.bytes(image.width(), image.height());
    }
}
