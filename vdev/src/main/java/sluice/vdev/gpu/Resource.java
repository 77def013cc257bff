package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/**
 * A resource, created by a guest with an id of its choice (virtio 1.3 §5.7.6.8): a picture with a copy on the host, or
 * shared memory. Displays read both through a {@link PixelSource}.
 */
sealed interface Resource permits HostCopy, Blob {
    int id();

    /** The UUID by which other devices may refer to it. */
    ResourceUuid uuid();

    /** Its guest pages, charged by the {@link ResourceTable}; null without backing. */
    @Nullable
    Backing backing();

    /** Attaches pages reserved in the {@link ResourceTable}, or detaches them. */
    void setBacking(@Nullable Backing pages);

    /** Minimum size of {@link #backing} in bytes. */
    long leastBacking();
}
