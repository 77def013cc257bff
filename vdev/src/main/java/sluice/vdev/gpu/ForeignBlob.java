package sluice.vdev.gpu;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * An object of another device as a resource, which the guest has named by its UUID: a frame of a codec, for instance.
 * Its memory stays the other device's, and so does its UUID.
 */
final class ForeignBlob implements Blob {
    private final int id;
    private final long size;
    private final BufferPages memory;
    private final HostBlob.ContextObject object;
    private final ResourceUuid uuid;
    private final BlobUse use = new BlobUse();

    /**
     * @param size in bytes, at least 1, at most that of the memory
     * @param object the number of the context under which it was named
     */
    ForeignBlob(int id, long size, BufferPages memory, HostBlob.ContextObject object, UUID name) {
        this.id = id;
        this.size = size;
        this.memory = memory;
        this.object = object;
        uuid = new ResourceUuid(name);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public long size() {
        return size;
    }

    HostBlob.ContextObject object() {
        return object;
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
    public BufferPages pages() {
        return memory;
    }

    @Override
    public @Nullable Backing backing() {
        return null;
    }

    /** It has no pages of the guest. */
    @Override
    public void setBacking(@Nullable Backing pages) {
        if (pages != null) throw new IllegalStateException("guest pages for an object of another device");
    }

    @Override
    public long leastBacking() {
        return size;
    }
}
