package sluice.dmacore.exporter;

import java.io.IOException;
import java.util.List;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.DmaHeap;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.linux.Udmabuf;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

/**
 * Exports the memory of a kernel dma-buf, created here or received from another process (row S22). A CPU access also
 * opens the kernel's bracket ({@code DMA_BUF_IOCTL_SYNC}, {@code drivers/dma-buf/dma-buf.c}), so that devices outside
 * this process are synced; the kernel syncs the whole buffer, without ranges.
 *
 * <p>Other processes may have the same descriptor, or the memfd behind it, and write without notification: no line is
 * assumed clean. The ledger identifies files, and each dma-buf is a file of its own: pages shared by two dma-bufs, or
 * by a dma-buf and a memfd, are not detected.
 */
public final class DescriptorMemory implements Exporter, AutoCloseable {
    private final Fd descriptor;
    private final FileMapping mapping;
    private final String name;

    /** Owns both; {@link #of} and the other factories ensure that they match. */
    DescriptorMemory(Fd descriptor, FileMapping mapping, String name) {
        this.descriptor = descriptor;
        this.mapping = mapping;
        this.name = name;
    }

    /**
     * The memory of a dma-buf, such as one from a peer.
     *
     * @param fd remains owned by the caller, and may be closed at once
     * @throws IOException it is not a dma-buf, cannot be mapped for reading and writing, or the mapping budget is used
     * up
     */
    public static DescriptorMemory of(FileMappings files, Fd fd) throws IOException {
        return owning(files, fd.duplicate());
    }

    /**
     * A kernel dma-buf over pages of memory files, in this order and without a copy.
     *
     * @param parts one for UDMABUF_CREATE, more for UDMABUF_CREATE_LIST; see {@link Udmabuf.Part}
     * @throws IOException as {@link Udmabuf#create(List)} and {@link #of}
     */
    public static DescriptorMemory ofPages(FileMappings files, Udmabuf device, List<Udmabuf.Part> parts)
            throws IOException {
        if (parts.size() > 1) return owning(files, device.create(parts));
        Udmabuf.Part part = parts.getFirst();
        return owning(files, device.create(part.memfd(), part.offset(), part.size()));
    }

    /**
     * Zeroed memory of a kernel heap.
     *
     * @param bytes is rounded up to whole pages
     * @throws IOException as {@link DmaHeap#allocate(long)} and {@link #of}
     */
    public static DescriptorMemory ofHeap(FileMappings files, DmaHeap heap, long bytes) throws IOException {
        return owning(files, heap.allocate(bytes));
    }

    private static DescriptorMemory owning(FileMappings files, Fd fd) throws IOException {
        boolean done = false;
        try {
            FileMapping mapping = files.mapDmaBuf(fd);
            try {
                String exporter = DmaBufFile.info(fd).exporter();
                DescriptorMemory made = new DescriptorMemory(fd, mapping, exporter.isEmpty() ? "dma-buf" : exporter);
                done = true;
                return made;
            } finally {
                if (!done) mapping.release();
            }
        } finally {
            if (!done) fd.close();
        }
    }

    /** Size in bytes; a buffer may be smaller. */
    public long size() {
        return mapping.size();
    }

    /** The descriptor, to be passed on; it is closed with this object. */
    public Fd descriptor() {
        return descriptor;
    }

    /** The kernel's name of the exporter, such as {@code udmabuf} or {@code system}. */
    @Override
    public String name() {
        return name;
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.UNSEEN;
    }

    /** @throws DmaBufException EINVAL: it is smaller than the buffer */
    @Override
    public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        if (request.bytes() > size()) {
            throw new DmaBufException(Errno.EINVAL,
                    "the dma-buf of %s has %d bytes, and the buffer is to have %d".formatted(name, size(),
                            request.bytes()));
        }
        Runs runs = new Runs(1);
        runs.add(mapping, 0, request.bytes());
        return BufferMemory.ofPages(runs, () -> {});
    }

    /**
     * {@code DMA_BUF_IOCTL_SYNC} with {@code DMA_BUF_SYNC_START}: for the whole buffer, because the kernel takes no
     * range.
     */
    @Override
    public void beginCpuAccess(long from, long length, Direction direction) throws DmaBufException {
        try {
            DmaBufFile.syncStart(descriptor, access(direction));
        } catch (ErrnoException e) {
            throw new DmaBufException(e.errno(), String.valueOf(e.getMessage()));
        }
    }

    /** {@code DMA_BUF_IOCTL_SYNC} with {@code DMA_BUF_SYNC_END}. */
    @Override
    public void endCpuAccess(long from, long length, Direction direction) throws DmaBufException {
        try {
            DmaBufFile.syncEnd(descriptor, access(direction));
        } catch (ErrnoException e) {
            throw new DmaBufException(e.errno(), String.valueOf(e.getMessage()));
        }
    }

    /** The reverse of the kernel's mapping: directions are the device's, accesses the CPU's. */
    static SyncAccess access(Direction direction) {
        return switch (direction) {
            case FROM_DEVICE -> SyncAccess.READ;
            case TO_DEVICE -> SyncAccess.WRITE;
            case BIDIRECTIONAL -> SyncAccess.READ_WRITE;
        };
    }

    /** Closes the descriptor; buffers keep the memory. Must not be called before their last CPU access has ended. */
    @Override
    public void close() {
        mapping.release();
        descriptor.close();
    }
}
