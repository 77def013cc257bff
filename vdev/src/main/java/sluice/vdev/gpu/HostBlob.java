package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/**
 * Host memory as a resource (VIRTIO_GPU_BLOB_MEM_HOST3D), which the guest maps in its window; with
 * VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST it has guest pages too, from which TRANSFER_TO_HOST_3D fills it.
 */
final class HostBlob implements Blob {
    /** No context knows it by a number. */
    static final long NO_BLOB_ID = 0;

    private final int id;
    private final BufferPages memory;
    private final WindowExporter exporter;
    private final boolean mappable;
    private final @Nullable ContextObject object;
    private final ResourceUuid uuid = new ResourceUuid();
    private final BlobUse use = new BlobUse();
    private @Nullable Backing shadow;
    private boolean visible;

    /** The object of a context that is this blob: a blob_id is used once in its context. */
    record ContextObject(Contexts.Context context, long blobId) {}

    /**
     * @param memory not allocated yet
     * @param exporter of the memory
     * @param mappable whether the guest may map it (VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE)
     * @param object of the context that made it; null for none
     */
    HostBlob(int id, BufferPages memory, WindowExporter exporter, boolean mappable, @Nullable ContextObject object) {
        this.id = id;
        this.memory = memory;
        this.exporter = exporter;
        this.mappable = mappable;
        this.object = object;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public long size() {
        return memory.bytes();
    }

    BufferPages memory() {
        return memory;
    }

    WindowExporter exporter() {
        return exporter;
    }

    boolean isMappable() {
        return mappable;
    }

    @Nullable
    ContextObject object() {
        return object;
    }

    /** Whether the guest has mapped it in the window. */
    boolean isVisible() {
        return visible;
    }

    void setVisible(boolean mapped) {
        visible = mapped;
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
    public Pages pages() {
        return memory;
    }

    @Override
    public @Nullable Backing backing() {
        return shadow;
    }

    /** The guest pages of VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST; what is shown is the host's memory. */
    @Override
    public void setBacking(@Nullable Backing pages) {
        shadow = pages;
    }

    @Override
    public long leastBacking() {
        return memory.bytes();
    }
}
