package sluice.vdev.device;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.FileMapping;

/**
 * A shared memory region, as its device sees it. The device can always access all of it; the driver can access the
 * parts mapped by {@link #show}. Used on the device's loop.
 */
public interface SharedWindow {
    /** All of the region. The device may access it at any time, concurrently with the driver. */
    MemorySegment memory();

    /** The file of the region, for buffers in it that devices share. */
    FileMapping file();

    /** Offset of the region in {@link #file}, in bytes. */
    long fileOffset();

    /**
     * Clears whole pages: they read as zeros and use no host memory until written.
     *
     * @throws IllegalArgumentException the part is not in the region, or not page-aligned
     * @throws ErrnoException the pages are unchanged
     */
    void clear(long offset, long length) throws ErrnoException;

    /**
     * Maps a part of whole unmapped pages for the driver, until it is hidden or the device is reset. Over vhost-user a
     * part uses one of the eight regions of a memory table, of which guest memory uses at least one.
     *
     * @param done receives the result on the loop, possibly before this returns; false if the front-end refuses it or
     * has disconnected, no region is left, or the device has been reset meanwhile
     * @throws IllegalArgumentException the part is not in the region, or not page-aligned
     */
    void show(long offset, long length, Consumer<Boolean> done);

    /**
     * Unmaps a part that was mapped with these values. If the transport cannot unmap it, as over PCI, the driver can
     * still access it, and {@code done} receives true nevertheless: the device must overwrite secrets.
     */
    void hide(long offset, long length, Consumer<Boolean> done);
}
