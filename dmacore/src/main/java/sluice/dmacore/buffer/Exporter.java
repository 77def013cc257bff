package sluice.dmacore.buffer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

/**
 * The source of a buffer's memory. Called with the buffer locked; must not call back into it.
 *
 * <p>The core does the rest of {@code struct dma_buf_ops} ({@code include/linux/dma-buf.h}) for all exporters: mapping,
 * cache maintenance, reference counting.
 */
public interface Exporter {
    /** A word for messages, such as "guest" or "udmabuf". */
    String name();

    /** How the CPU writes the memory. */
    enum CpuWriters {
        /** Every write is between begin and end, so lines not written then need no write-back. */
        BRACKETED,
        /** Writes happen without notification, for example by a guest. */
        UNSEEN
    }

    CpuWriters cpuWriters();

    /**
     * Allocates memory for a buffer: at export, or at first use if it {@linkplain #allocatesLate allocates late}.
     *
     * @return memory of the requested size, inside files that all threads can access; anything else is refused
     * @throws DmaBufException ENOMEM, or EBUSY if the request's constraints cannot be met
     */
    BufferMemory allocate(AllocationRequest request) throws DmaBufException;

    /** Whether memory is allocated at first use, when the devices are known. */
    default boolean allocatesLate() {
        return false;
    }

    /** Whether {@link #allocate} may be called again, to move a buffer. */
    default boolean moves() {
        return false;
    }

    /**
     * Has the last word on whether memory suits a device, when it attaches, when it maps, and in the dry runs of both (D. Vetter,
     * 2015-02-02, in "[RFCv3 2/2] dma-buf: add helpers for sharing attacher constraints"). Not called for other
     * reasons, such as a revoked buffer.
     *
     * @param verdict the result of the core's own check
     * @return the final result
     */
    default Verdict review(DeviceFunction function, Verdict verdict) {
        return verdict;
    }

    /**
     * As {@link #review(DeviceFunction, Verdict)}, for an exporter that distinguishes snooping and non-snooping access.
     */
    default Verdict review(DeviceFunction function, Stream stream, Verdict verdict) {
        return review(function, verdict);
    }

    /**
     * The exporter's translator between a device and the memory, such as a tiler: returns the runs that the device sees
     * instead, of the same total size, or null for no translator. Called at each map and in its dry run. Syncs of such
     * a mapping take ranges of the view; cache maintenance applies to the lines behind it. The CPU sees the memory
     * itself.
     *
     * @throws DmaBufException ENOMEM, or any other errno, which is passed on
     */
    default @Nullable BufferMemory translate(DeviceFunction function, BufferMemory memory) throws DmaBufException {
        return null;
    }

    /**
     * Prepares a CPU access to a range of the buffer. If it fails, the access has not begun and may be retried (row
     * S24).
     *
     * @param from first byte
     * @param length in bytes, may be 0
     * @throws DmaBufException EINTR or EAGAIN (to be retried), ENOMEM (the pages cannot be brought in), or any other
     * errno
     */
    default void beginCpuAccess(long from, long length, Direction direction) throws DmaBufException {}

    /** Ends a CPU access, with range and direction as at the begin. */
    default void endCpuAccess(long from, long length, Direction direction) throws DmaBufException {}
}
