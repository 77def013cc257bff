package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/**
 * What a guest has made under a number of its own choice (virtio 1.3 §5.7.6.8): a picture of which the host has a copy, or memory
 * that is shared. Whoever shows pixels asks a {@link PixelSource} for them, and does not care which.
 */
sealed interface Resource permits HostCopy, GuestBlob {
    int id();

    /** Under which other devices may ask for it. */
    ResourceUuid uuid();

    /** The guest pages behind it, which the {@link ResourceTable} has counted; null if it has none. */
    @Nullable
    Backing backing();

    /** Sets the pages behind it, which were reserved in the {@link ResourceTable}, or takes them away. */
    void setBacking(@Nullable Backing pages);

    /** Bytes that {@link #backing} has at least. */
    long leastBacking();
}
