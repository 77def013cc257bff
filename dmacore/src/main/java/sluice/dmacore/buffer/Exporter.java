package sluice.dmacore.buffer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

/**
 * Where a buffer's memory comes from. Called with the buffer locked; may not call back into it.
 *
 * <p>What {@code struct dma_buf_ops} of {@code include/linux/dma-buf.h} asks of an exporter beyond memory, the core does
 * for all of them: mapping, caches, counting.
 */
public interface Exporter {
    /** A word for messages, such as "guest" or "udmabuf". */
    String name();

    /** What the CPU does with the memory. */
    enum CpuWriters {
        /** Every write lies between a begin and an end: nothing is written back that nobody wrote. */
        BRACKETED,
        /** Somebody, such as a guest, writes without telling. */
        UNSEEN
    }

    CpuWriters cpuWriters();

    /**
     * Memory for a buffer: when it is exported, or at first use if it {@linkplain #allocatesLate allocates late}.
     *
     * @return as many bytes as the request says, inside of files that all threads reach; anything else is refused
     * @throws DmaBufException ENOMEM, or EBUSY if it cannot be as the request says
     */
    BufferMemory allocate(AllocationRequest request) throws DmaBufException;

    /** Whether memory can wait until the devices are known. */
    default boolean allocatesLate() {
        return false;
    }

    /** Whether {@link #allocate} may be asked again, to move a buffer. */
    default boolean moves() {
        return false;
    }

    /**
     * Has the last word on whether memory suits a device, when it attaches, when it maps, and in the dry runs of both (D. Vetter,
     * 2015-02-02, in "[RFCv3 2/2] dma-buf: add helpers for sharing attacher constraints"). What else is in the way, such as that the buffer was revoked, is not asked.
     *
     * @param verdict what the core's own check has found
     * @return what counts
     */
    default Verdict review(DeviceFunction function, Verdict verdict) {
        return verdict;
    }

    /** As {@link #review(DeviceFunction, Verdict)}, by an exporter to whom it matters how the device reaches the memory. */
    default Verdict review(DeviceFunction function, Stream stream, Verdict verdict) {
        return review(function, verdict);
    }

    /**
     * A translator of the exporter's own between a device and the memory, such as a tiler: the runs that the device is to see
     * instead, as many bytes. Null to have none. Asked at each mapping, and in its dry run. Ranges that are synced through such a
     * mapping are those of the view, and the caches work on the lines behind it; the CPU sees the memory itself.
     *
     * @throws DmaBufException ENOMEM, or any other reason, which is told
     */
    default @Nullable BufferMemory translate(DeviceFunction function, BufferMemory memory) throws DmaBufException {
        return null;
    }

    /**
     * The CPU is about to touch a range of the buffer: what real hardware needs for that. Nothing has begun if it fails, and the
     * same may be tried again (row S24).
     *
     * @param from first byte
     * @param length in bytes, may be 0
     * @throws DmaBufException EINTR or EAGAIN (to be tried again), ENOMEM (the pages cannot be brought in), or what is in the way
     */
    default void beginCpuAccess(long from, long length, Direction direction) throws DmaBufException {}

    /** It has done so, with a range and a direction as at the begin. */
    default void endCpuAccess(long from, long length, Direction direction) throws DmaBufException {}
}
