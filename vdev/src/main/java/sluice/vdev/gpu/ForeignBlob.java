package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaBuf;

/**
 * An object of another device as a resource, which the guest has named by its UUID: a frame of a codec, for instance.
 * Its memory stays the other device's, and so does its UUID.
 *
 * <p>The object may be another buffer later, as the last picture of a card is. The GPU stays attached to those that it
 * has been, because a card writes into a few by turns.
 */
final class ForeignBlob implements Blob {
    private final int id;
    private final long size;
    /** The buffers that the object has been; the oldest first. */
    private final List<BufferPages> known = new ArrayList<>(1);
    private BufferPages memory;
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
        known.add(memory);
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

    /** All buffers that the GPU is attached to, the oldest first; for {@link ForeignBlobs} to change. */
    List<BufferPages> known() {
        return known;
    }

    /** The GPU's attachment to a buffer, or null. */
    @Nullable
    BufferPages known(DmaBuf buffer) {
        for (int i = 0; i < known.size(); i++) {
            if (known.get(i).buffer().equals(buffer)) return known.get(i);
        }
        return null;
    }

    /** Shows another of the known buffers. */
    void show(BufferPages other) {
        memory = other;
        use.begin();
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
