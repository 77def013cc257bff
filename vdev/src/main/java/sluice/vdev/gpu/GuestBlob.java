package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** Guest pages as a resource (VIRTIO_GPU_BLOB_MEM_GUEST): the guest draws in them, and displays read them in place. */
final class GuestBlob implements Resource {
    private final int id;
    private final long size;
    private final ResourceUuid uuid = new ResourceUuid();
    private @Nullable Backing backing;
    private @Nullable BlobPixels pixels;
    private boolean given;

    /** @param size in bytes, at least 1 */
    GuestBlob(int id, long size) {
        this.id = id;
        this.size = size;
    }

    @Override
    public int id() {
        return id;
    }

    long size() {
        return size;
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
        given = false;
    }

    @Override
    public long leastBacking() {
        return size;
    }

    /** Whether all present pages were transferred to the GPU, as at the first SET_SCANOUT_BLOB. */
    boolean isGiven() {
        return given;
    }

    void setGiven() {
        given = true;
    }

    /** The picture shown last, or null; reused, because the guest flips at every frame. */
    @Nullable
    BlobPixels pixels() {
        return pixels;
    }

    void setPixels(BlobPixels shown) {
        pixels = shown;
    }
}
