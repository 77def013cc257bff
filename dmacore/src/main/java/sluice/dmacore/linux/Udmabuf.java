package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * The device that creates a dma-buf over pages of a memory file, such as guest memory, without a copy: {@code
 * linux/udmabuf.h} and {@code drivers/dma-buf/udmabuf.c}.
 *
 * <p>The file is a memfd or on hugetlbfs, has the seal {@link Seals#SHRINK} and neither {@link Seals#WRITE} nor
 * {@link Seals#FUTURE_WRITE}. Its pages are pinned while the buffer lives. The same pages may be in several buffers,
 * and several times in one: the kernel does not check.
 */
public final class Udmabuf implements AutoCloseable {
    static final IoctlRequest CREATE = IoctlRequest.write("UDMABUF_CREATE", 'u', 0x42, 24);
    static final IoctlRequest CREATE_LIST = IoctlRequest.write("UDMABUF_CREATE_LIST", 'u', 0x43, 8);
    static final int FLAGS_CLOEXEC = 1;
    /** {@code struct udmabuf_create} is {@code struct udmabuf_create_item} with flags where that has padding. */
    static final long ITEM_BYTES = 24;
    static final long ITEM_MEMFD = 0;
    static final long ITEM_FLAGS = 4;
    static final long ITEM_OFFSET = 8;
    static final long ITEM_SIZE = 16;
    /** {@code struct udmabuf_create_list} before its items: flags and count, 32 bits each. */
    static final long LIST_HEADER_BYTES = 8;
    static final long LIST_FLAGS = 0;
    static final long LIST_COUNT = 4;

    private static final Path NODE = Path.of("/dev/udmabuf");

    private final Fd device;

    private Udmabuf(Fd device) {
        this.device = device;
    }

    /**
     * A piece of a memory file.
     *
     * @param memfd the file; owned by the caller, who may close it once the buffer is created
     * @param offset bytes, page aligned
     * @param size   bytes, whole pages; {@code offset + size} lies inside the file
     */
    public record Part(Fd memfd, long offset, long size) {}

    /**
     * Opens /dev/udmabuf.
     *
     * @throws ErrnoException ENOENT (no such device on this kernel), EACCES
     */
    public static Udmabuf open() throws ErrnoException {
        return open(NODE);
    }

    static Udmabuf open(Path node) throws ErrnoException {
        try {
            return new Udmabuf(Fcntl.openDevice(node));
        } catch (ErrnoException e) {
            throw e.because(switch (e.errno()) {
                case Errno.ENOENT ->
                    node + " does not exist: this kernel lacks CONFIG_UDMABUF, or the module udmabuf is not "
                            + "loaded (modprobe udmabuf)";
                case Errno.EACCES ->
                    node + " is not for this user; give it access, for example by the group kvm or a udev "
                            + "rule";
                default -> node + " cannot be opened";
            });
        }
    }

    /**
     * A dma-buf over one piece of a file (UDMABUF_CREATE), whose descriptor is close-on-exec.
     *
     * @throws ErrnoException EINVAL (a rule of {@link Part}, a seal, or the limit {@code size_limit_mb}), EBADFD (no
     *         memory file), ENOMEM, EMFILE; the message says which rule
     */
    public Fd create(Fd memfd, long offset, long size) throws ErrnoException {
        Part part = new Part(memfd, offset, size);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(ITEM_BYTES, Long.BYTES);
            write(part, argument);
            argument.set(JAVA_INT, ITEM_FLAGS, FLAGS_CLOEXEC);
            return Fd.own(Ioctl.call(device, CREATE, argument));
        } catch (ErrnoException e) {
            throw explained(e, List.of(part));
        }
    }

    /**
     * A dma-buf over consecutive pieces of files (UDMABUF_CREATE_LIST), whose descriptor is close-on-exec.
     *
     * @param parts 1 up to the module's parameter {@code list_limit}, 1024 by default
     * @throws ErrnoException as {@link #create(Fd, long, long)}, and EINVAL for too many parts
     */
    public Fd create(List<Part> parts) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(LIST_HEADER_BYTES + ITEM_BYTES * parts.size(), Long.BYTES);
            argument.set(JAVA_INT, LIST_FLAGS, FLAGS_CLOEXEC);
            argument.set(JAVA_INT, LIST_COUNT, parts.size());
            for (int i = 0; i < parts.size(); i++) {
                write(parts.get(i), argument.asSlice(LIST_HEADER_BYTES + i * ITEM_BYTES, ITEM_BYTES));
            }
            return Fd.own(Ioctl.call(device, CREATE_LIST, argument));
        } catch (ErrnoException e) {
            throw explained(e, parts);
        }
    }

    private static void write(Part part, MemorySegment item) {
        item.set(JAVA_INT, ITEM_MEMFD, part.memfd.number());
        item.set(JAVA_LONG, ITEM_OFFSET, part.offset);
        item.set(JAVA_LONG, ITEM_SIZE, part.size);
    }

    private static ErrnoException explained(ErrnoException e, List<Part> parts) {
        return e.because(UdmabufRules.ofThisKernel().broken(parts, e.errno()));
    }

    /** The device's descriptor, for tests of requests that this class does not provide. */
    Fd device() {
        return device;
    }

    /** Closes the device; buffers from it live on. */
    @Override
    public void close() {
        device.close();
    }
}
