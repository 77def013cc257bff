package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** A 2D resource: the host's image, and the attached guest pages from which it is filled. */
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

    /** Format of the guest's pages; the image has our format. */
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

    /** Any size: a transfer that needs more fails. */
    @Override
    public long leastBacking() {
        return 0;
    }
}
