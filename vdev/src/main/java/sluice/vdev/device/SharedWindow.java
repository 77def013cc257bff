package sluice.vdev.device;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * A shared memory region, as its device sees it. The memory is the device's from the beginning; its driver reaches those parts
 * that are shown. Used on the device's loop.
 */
public interface SharedWindow {
    /** All of the region. It may be read and written at any time, and so may the driver what it is shown. */
    MemorySegment memory();

    /**
     * Lets the driver reach a part, of whole pages that are not shown yet, until it is hidden or the device is reset. Over vhost-user
     * a part takes one of the eight regions of a memory table, of which the guest's memory has at least one.
     *
     * @param done gets on the loop whether it does, possibly before this returns; not if the front-end refuses it or has gone, no
     *         region is left, or the device has been reset meanwhile
     * @throws IllegalArgumentException the part is not in the region, or not of whole pages
     */
    void show(long offset, long length, Consumer<Boolean> done);

    /**
     * Takes a part away that was shown with these numbers. Where the front-end cannot take it away, as over PCI, the driver
     * still reaches it, and {@code done} gets true all the same: what must not be seen any more is to be overwritten.
     */
    void hide(long offset, long length, Consumer<Boolean> done);
}
