package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * A kernel heap that allocates dma-bufs independent of a device: {@code linux/dma-heap.h} and {@code
 * drivers/dma-buf/dma-heap.c}. The heap {@code system} has scattered pages of ordinary memory.
 */
public final class DmaHeap implements AutoCloseable {
    static final IoctlRequest ALLOC = IoctlRequest.readWrite("DMA_HEAP_IOCTL_ALLOC", 'H', 0, 24);
    /** {@code struct dma_heap_allocation_data}: bytes, then descriptor and its flags of 32 bits, then flags of the heap. */
    static final long DATA_LEN = 0;
    static final long DATA_FD = 8;
    static final long DATA_FD_FLAGS = 12;
    static final long DATA_HEAP_FLAGS = 16;

    private static final Path FOLDER = Path.of("/dev/dma_heap");

    private final Fd device;

    private DmaHeap(Fd device) {
        this.device = device;
    }

    /**
     * The heaps of this machine, sorted; empty on a kernel without CONFIG_DMABUF_HEAPS.
     *
     * @throws IOException /dev/dma_heap exists and cannot be read
     */
    public static List<String> names() throws IOException {
        if (!Files.isDirectory(FOLDER)) {
            return List.of();
        }
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(FOLDER)) {
            for (Path entry : entries) {
                names.add(entry.getFileName().toString());
            }
        }
        Collections.sort(names);
        return names;
    }

    /**
     * Opens a heap.
     *
     * @param name one of {@link #names()}, such as {@code system}
     * @throws ErrnoException ENOENT (no heap of this name), EACCES
     */
    public static DmaHeap open(String name) throws ErrnoException {
        Path node = FOLDER.resolve(name);
        try {
            return new DmaHeap(Fcntl.openDevice(node));
        } catch (ErrnoException e) {
            throw e.because(switch (e.errno()) {
                case Errno.ENOENT -> node + " does not exist: this kernel lacks the heap (CONFIG_DMABUF_HEAPS)";
                case Errno.EACCES ->
                    node + " is not for this user; give it access, for example by chmod or a udev rule";
                default -> node + " cannot be opened";
            });
        }
    }

    /**
     * A new dma-buf of zeroed memory, whose descriptor is readable, writable and close-on-exec.
     *
     * @param bytes 1 or more; rounded up to whole pages
     * @throws ErrnoException EINVAL (0 bytes), ENOMEM, EMFILE
     */
    public Fd allocate(long bytes) throws ErrnoException {
        return allocate(bytes, Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
    }

    /**
     * The same with a read-only descriptor: writable mappings are refused (EACCES). Does not restrict devices.
     *
     * @param bytes as {@link #allocate}
     * @throws ErrnoException as {@link #allocate}
     */
    public Fd allocateReadOnly(long bytes) throws ErrnoException {
        return allocate(bytes, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    }

    /**
     * The same with given flags.
     *
     * @throws ErrnoException also EINVAL for unknown flags; the kernel defines no heap flags
     */
    Fd allocate(long bytes, int fdFlags, long heapFlags) throws ErrnoException {
        MemorySegment data = Libc.scratch();
        data.set(JAVA_LONG, DATA_LEN, bytes);
        data.set(JAVA_INT, DATA_FD, 0);
        data.set(JAVA_INT, DATA_FD_FLAGS, fdFlags);
        data.set(JAVA_LONG, DATA_HEAP_FLAGS, heapFlags);
        Ioctl.call(device, ALLOC, data);
        return Fd.own(data.get(JAVA_INT, DATA_FD));
    }

    /** The heap's descriptor, for tests of requests that this class does not provide. */
    Fd device() {
        return device;
    }

    /** Closes the heap; buffers from it live on. */
    @Override
    public void close() {
        device.close();
    }
}
