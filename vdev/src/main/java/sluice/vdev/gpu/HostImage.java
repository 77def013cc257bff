package sluice.vdev.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Mman;
import sluice.dmacore.linux.Seals;

/**
 * The host's copy of a 2D resource: rows of B, G, R, X bytes without gaps. It is the content of the resource after a
 * transfer, and is sent to displays.
 *
 * <p>Used on the device's loop, and reference-counted: a display that sends from it may reference it longer than the
 * resource. Another thread may take a reference, and read while it has it; the memory ends on the device's loop all the same,
 * because that costs a microsecond there, and milliseconds for memory that every thread may access.
 */
public final class HostImage implements PixelSource {
    /** 0xXXRRGGBB. */
    static final ValueLayout.OfInt PIXEL = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final Logger LOG = LoggerFactory.getLogger(HostImage.class);

    /** Makes dma-bufs, which other processes can read in place: {@code /dev/udmabuf}, see {@code sluice.dmacore.linux.Udmabuf}. */
    public interface Dmabufs {
        /**
         * A dma-buf over all of a memory file, which is sealed against shrinking.
         *
         * @throws ErrnoException EINVAL (too large for the kernel's limit), ENOMEM, EMFILE
         */
        Fd export(Fd memfd, long bytes) throws ErrnoException;

        /** What was written so far is seen by devices that read the dma-buf from now on (DMA_BUF_IOCTL_SYNC). */
        void syncForDisplay(Fd dmabuf) throws ErrnoException;
    }

    /** Images of a GPU that have a descriptor; the process has a limit of them. */
    public static final int MOST_SHARED = 64;

    private final int width;
    private final int height;
    /**
     * Size from which an image is a mapping of its own, which is charged. malloc would also map it from 128 KiB
     * (M_MMAP_THRESHOLD in mallopt(3)), but uncharged.
     */
    private static final long MAPPED_BYTES = 124 << 10;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment pixels;
    private final AtomicInteger references = new AtomicInteger(1);
    private final @Nullable Shared shared;

    /** How an image is shared. */
    private record Shared(Fd dmabuf, Dmabufs kernel, AtomicInteger count) {}

    /**
     * A black image. Width and height are at least 1, and the whole below 2^31 bytes.
     *
     * @throws OutOfMemoryError host memory is exhausted
     */
    public HostImage(int width, int height) {
        this.width = width;
        this.height = height;
        this.pixels = allocate(bytes(width, height), arena);
        shared = null;
    }

    /** In a memory file, which is mapped in pages. */
    private HostImage(int width, int height, Fd file, long mapped, Shared shared) throws ErrnoException {
        this.width = width;
        this.height = height;
        this.shared = shared;
        pixels = Mman.map(file, 0, mapped, Mman.PROT_READ | Mman.PROT_WRITE, arena).asSlice(0, bytes(width, height));
    }

    /**
     * The same, as a dma-buf if the kernel makes one: not of small images, and not of more than {@value #MOST_SHARED}.
     *
     * @param count of the images that are shared already
     */
    public static HostImage shared(int width, int height, Dmabufs kernel, AtomicInteger count) {
        long bytes = bytes(width, height);
        if (mappings(bytes) == 0 || count.get() >= MOST_SHARED) return new HostImage(width, height);
        long pages = (bytes + Mman.pageSize() - 1) & -Mman.pageSize();
        Fd dmabuf = null;
        boolean done = false;
        try (Fd file = Memfd.create("picture", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, pages);
            Seals.add(file, Seals.SHRINK | Seals.GROW);
            dmabuf = kernel.export(file, pages);
            HostImage made = new HostImage(width, height, file, pages, new Shared(dmabuf, kernel, count));
            count.incrementAndGet();
            done = true;
            return made;
        } catch (ErrnoException e) {
            // A guest can cause this without limit.
            LOG.debug("an image of {}×{} is copied to the display: {}", width, height, e.getMessage());
            return new HostImage(width, height);
        } finally {
            if (!done && dmabuf != null) dmabuf.close();
        }
    }

    /** A dma-buf of the pixels, which belongs to the image, or null. */
    public @Nullable Fd dmabuf() {
        return shared == null ? null : shared.dmabuf;
    }

    /** Of an image with a dma-buf: a display sees everything written so far. */
    public void syncForDisplay() throws ErrnoException {
        if (shared != null) shared.kernel.syncForDisplay(shared.dmabuf);
    }

    private static MemorySegment allocate(long bytes, Arena arena) {
        if (mappings(bytes) == 0) return arena.allocate(bytes, 64);
        try {
            return Mman.mapAnonymous(bytes, arena);
        } catch (ErrnoException e) {
            throw (OutOfMemoryError) new OutOfMemoryError("an image of " + bytes + " bytes").initCause(e);
        }
    }

    /** Number of mappings of an image of this size: one or none. */
    static int mappings(long bytes) {
        return bytes < MAPPED_BYTES ? 0 : 1;
    }

    static long bytes(long width, long height) {
        return width * height * PixelFormat.BYTES;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int height() {
        return height;
    }

    @Override
    public HostImage image() {
        return this;
    }

    /** Bytes of one row. */
    public long stride() {
        return (long) width * PixelFormat.BYTES;
    }

    /** All rows, top first. */
    public MemorySegment pixels() {
        return pixels;
    }

    /** The pixels of {@code area} as 0xAARRGGBB, row by row. */
    public int[] copyOf(Rectangle area) {
        int columns = (int) area.width();
        int rows = (int) area.height();
        int[] copy = new int[columns * rows];
        for (int row = 0; row < rows; row++) {
            long from = (area.y() + row) * stride() + area.x() * PixelFormat.BYTES;
            MemorySegment.copy(pixels, PIXEL, from, copy, row * columns, columns);
        }
        return copy;
    }

    @Override
    public long copyTo(Rectangle area, MemorySegment target, long offset, long stride) {
        long rowBytes = area.width() * PixelFormat.BYTES;
        for (long row = 0; row < area.height(); row++) {
            long from = (area.y() + row) * stride() + area.x() * PixelFormat.BYTES;
            MemorySegment.copy(pixels, from, target, offset + row * stride, rowBytes);
        }
        return 0;
    }

    public void retain() {
        references.incrementAndGet();
    }

    /** Whether there are references other than the owner's. */
    boolean isShared() {
        return references.get() > 1;
    }

    public void release() {
        if (references.decrementAndGet() == 0) end();
    }

    /**
     * Copies a block of pixels, 0xXXRRGGBB, on any thread, unless the last reference is gone. The device may write at the
     * same time: the block may have rows of two pictures.
     *
     * @param x of the block, which is inside, like {@code y}
     * @param target at least {@code rows} × {@code targetColumns} long
     * @param targetColumns from one row to the next in the target
     * @param device the device's loop, on which memory ends
     * @return false if the image is gone: nothing was copied
     */
    public boolean readElsewhere(long x, long y, int columns, int rows, int[] target, int targetColumns,
            Executor device) {
        if (!tryRetain()) return false;
        try {
            // Not bound to the device's thread: the reference keeps the memory.
            MemorySegment all = MemorySegment.ofAddress(pixels.address()).reinterpret(pixels.byteSize());
            for (int row = 0; row < rows; row++)
                MemorySegment.copy(all, PIXEL, (y + row) * stride() + x * PixelFormat.BYTES, target,
                        row * targetColumns, columns);
        } finally {
            if (references.decrementAndGet() == 0) device.execute(this::end);
        }
        return true;
    }

    private void end() {
        arena.close();
        if (shared == null) return;
        shared.dmabuf.close();
        shared.count.decrementAndGet();
    }

    private boolean tryRetain() {
        int present = references.get();
        while (present > 0) {
            if (references.compareAndSet(present, present + 1)) return true;
            present = references.get();
        }
        return false;
    }
}
