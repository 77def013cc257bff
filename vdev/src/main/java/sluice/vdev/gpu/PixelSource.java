package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/** A source of pixels for displays, cursors and snapshots. Used on the device's loop. */
public interface PixelSource {
    /** In pixels. */
    int width();

    /** In pixels. */
    int height();

    /** The host's own copy, from which a display may send directly; null if pixels must be read. */
    @Nullable
    HostImage image();

    /**
     * Copies the rows of {@code area}, which is inside and not empty, as B, G, R, X bytes. Pixels that are not
     * accessible, because the guest has detached the pages, are black.
     *
     * @param offset of the first row in the target, in bytes
     * @param stride from one row to the next there, in bytes, at least those of a row
     * @return bytes read from memory other than the host's copy
     */
    long copyTo(Rectangle area, MemorySegment target, long offset, long stride);
}
