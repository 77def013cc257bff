package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/** Pixels to be shown, wherever they are: what displays, cursors and snapshots read. Used on the device's loop. */
public interface PixelSource {
    /** In pixels. */
    int width();

    /** In pixels. */
    int height();

    /** The host's own copy, which a display may send from as it is; null if they have to be read. */
    @Nullable
    HostImage image();

    /**
     * Copies the rows of {@code area}, which lies within them and is not empty, as B, G, R, X bytes. What cannot be reached, because
     * the guest has taken its pages away, is black.
     *
     * @param offset of the first row in the target, in bytes
     * @param stride from one row to the next there, in bytes, at least those of a row
     * @return bytes that were read of memory that is not the host's copy: what observing costs
     */
    long copyTo(Rectangle area, MemorySegment target, long offset, long stride);
}
