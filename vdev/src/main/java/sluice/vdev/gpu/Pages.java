package sluice.vdev.gpu;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;

/**
 * Memory that the GPU reads: guest pages, host memory in a window, or that of another device; and its mapping in the
 * GPU's address space.
 */
sealed interface Pages permits Backing, BufferPages {
    /** Size in bytes. */
    long bytes();

    /** The GPU's mapping, or null. */
    @Nullable
    DeviceMapping mapping();

    /** Whether it is mapped, and valid with the memory table of this number. */
    boolean isMapped(long tableNumber);

    void setMapped(DeviceMapping made, long tableNumber);

    /** Forgets the mapping, and returns it: who gets it unmaps it. */
    @Nullable
    DeviceMapping takeMapping();

    /** The name under which other devices find it, or null. */
    @Nullable
    UUID exportedAs();

    void setExportedAs(UUID name);
}
