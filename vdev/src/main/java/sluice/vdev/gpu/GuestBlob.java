package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** Guest pages as a resource (VIRTIO_GPU_BLOB_MEM_GUEST): the guest draws in them, and displays read them in place. */
final class GuestBlob implements Blob {
    private final int id;
    private final long size;
    private final ResourceUuid uuid = new ResourceUuid();
    private final BlobUse use = new BlobUse();
    private @Nullable Backing backing;

    /** @param size in bytes, at least 1 */
    GuestBlob(int id, long size) {
        this.id = id;
        this.size = size;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public ResourceUuid uuid() {
        return uuid;
    }

    @Override
    public BlobUse use() {
        return use;
    }

    @Override
    public @Nullable Pages pages() {
        return backing;
    }

    @Override
    public @Nullable Backing backing() {
        return backing;
    }

    @Override
    public void setBacking(@Nullable Backing pages) {
        backing = pages;
        use.begin();
    }

    @Override
    public long leastBacking() {
        return size;
    }
}
