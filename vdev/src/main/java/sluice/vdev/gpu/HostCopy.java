package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** A 2D resource: the host's image of it, and the guest pages it is filled from while they are attached. */
final class HostCopy implements Resource {
    private final int id;
    private final PixelFormat format;
    private final HostImage image;
    private final ResourceUuid uuid = new ResourceUuid();
    private @Nullable Backing backing;

    HostCopy(int id, PixelFormat format, HostImage image) {
        this.id = id;
        this.format = format;
        this.image = image;
    }

    @Override
    public int id() {
        return id;
    }

    /** Of the guest's pages; the image is in our order. */
    PixelFormat format() {
        return format;
    }

    HostImage image() {
        return image;
    }

    long imageBytes() {
        return HostImage.bytes(image.width(), image.height());
    }

    @Override
    public ResourceUuid uuid() {
        return uuid;
    }

    @Override
    public @Nullable Backing backing() {
        return backing;
    }

    @Override
    public void setBacking(@Nullable Backing pages) {
        backing = pages;
    }

    /** Any: a transfer that needs more than there is fails. */
    @Override
    public long leastBacking() {
        return 0;
    }
}
