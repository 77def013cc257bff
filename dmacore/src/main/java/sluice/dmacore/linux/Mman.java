package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * mmap(2). A mapping ends when its arena is closed, after the JVM has ensured that no thread is accessing it; there is
 * no other way to unmap, because a faulting access can kill the JVM.
 *
 * <p>Values from {@code asm-generic/mman-common.h}, which x86-64 and aarch64 share.
 */
public final class Mman {
    /** Pages may be read. */
    public static final int PROT_READ = 0x1;
    /** Pages may be written. */
    public static final int PROT_WRITE = 0x2;

    static final int PROT_NONE = 0;
    static final int MAP_SHARED = 0x01;
    static final int MAP_PRIVATE = 0x02;
    static final int MAP_FIXED = 0x10;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;

    private static final int MREMAP_MAYMOVE = 1;
    private static final int MREMAP_FIXED = 2;

    private Mman() {}

    /** Bytes of a page of this machine: 4096 on x86-64; 4096, 16384 or 65536 on aarch64. */
    public static long pageSize() {
        return Link.PAGE_SIZE;
    }

    /**
     * Maps a part of a file with MAP_SHARED. The file may be closed afterwards. The caller must check first that the
     * file is long enough and stays so ({@link FileStatus}, {@link Seals}): an access beyond its end can kill the JVM.
     *
     * @param offset     bytes, 0 or more, a multiple of {@link #pageSize()}
     * @param length     bytes, 1 or more
     * @param protection {@link #PROT_READ}, or {@code PROT_READ | PROT_WRITE}
     * @param arena      its close unmaps
     * @return the mapping; a read-only segment unless PROT_WRITE is given
     * @throws IllegalArgumentException a parameter is out of range
     * @throws IllegalStateException the arena is closed
     * @throws ErrnoException EACCES (opened without the requested access), EPERM (a write seal), ENODEV (this kind of
     *         file cannot be mapped), ENOMEM
     */
    public static MemorySegment map(Fd fd, long offset, long length, int protection, Arena arena)
            throws ErrnoException {
        requirePositive(length);
        if (offset < 0 || offset % pageSize() != 0) {
            throw new IllegalArgumentException("A mapping starts at a multiple of the page size " + pageSize()
                    + " in its file, but the offset is " + offset + ".");
        }
        if (offset > Long.MAX_VALUE - length) {
            throw new IllegalArgumentException(
                    "Offset " + offset + " plus length " + length + " is more than a file can hold.");
        }
        if (protection != PROT_READ && protection != (PROT_READ | PROT_WRITE)) {
            throw new IllegalArgumentException("A mapping is PROT_READ or PROT_READ | PROT_WRITE, but 0x"
                    + Integer.toHexString(protection) + " was asked for.");
        }
        MemorySegment mapped = newMapping(length, protection, MAP_SHARED, fd.number(), offset, arena);
        return (protection & PROT_WRITE) == 0 ? mapped.asReadOnly() : mapped;
    }

    /**
     * Maps private zero pages, readable and writable. Pages are allocated at their first write; swap is not reserved
     * (MAP_NORESERVE).
     *
     * @param length bytes, 1 or more
     * @param arena  its close unmaps
     * @throws ErrnoException ENOMEM
     */
    public static MemorySegment mapAnonymous(long length, Arena arena) throws ErrnoException {
        requirePositive(length);
        return newMapping(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, arena);
    }

    /**
     * Atomically replaces a part of a mapping by private zero pages (MAP_FIXED): late reads return zeros, late writes
     * are lost, and no access faults. The file's content is unchanged.
     *
     * @param mapped a whole mapping created by this class, not a slice that ends inside a page; its arena stays open
     * during the call
     * @param offset bytes from the start of {@code mapped}, page aligned
     * @param length bytes, 1 or more; whole pages, or up to the end of {@code mapped}
     * @throws ErrnoException ENOMEM: the limit of mappings (vm.max_map_count) is reached
     */
    public static void overlayAnonymous(MemorySegment mapped, long offset, long length) throws ErrnoException {
        requirePositive(length);
        if (!mapped.isNative() || mapped.address() % pageSize() != 0) {
            throw new IllegalArgumentException("Only a mapping that starts on a page boundary can be overlaid.");
        }
        if (offset < 0 || offset % pageSize() != 0 || offset > mapped.byteSize() - length) {
            throw new IllegalArgumentException("The overlay at offset " + offset + " of length " + length
                    + " must start on a page boundary and lie inside the mapping of " + mapped.byteSize() + " bytes.");
        }
        if (length % pageSize() != 0 && offset + length != mapped.byteSize()) {
            throw new IllegalArgumentException("An overlay replaces whole pages of " + pageSize()
                    + " bytes or reaches the mapping's end, but its length is " + length + ".");
        }
        MemorySegment errno = Libc.errnoBuffer();
        MemorySegment result;
        try {
            result = (MemorySegment) Overlay.MMAP.invokeExact(errno, mapped.asSlice(offset, length), length,
                    (long) (PROT_READ | PROT_WRITE), (long) (MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE),
                    -1L, 0L);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        if (result.address() == -1) {
            throw new ErrnoException("mmap", Libc.errno(errno));
        }
    }

    /**
     * Maps pages of a MAP_SHARED mapping a second time, in place of pages of an anonymous one (mremap(2) with an old size of 0).
     * Scattered pages so become one piece of address space. Both mappings have their own lives: what is at {@code target} stays
     * valid when the source is unmapped.
     *
     * @param source pages of a mapping by {@link #map}; its arena stays open during the call
     * @param target a mapping by {@link #mapAnonymous}; its arena stays open during the call
     * @param offset bytes from its start
     * @throws IllegalArgumentException either is not whole pages, or does not fit
     * @throws ErrnoException ENOMEM: the limit of mappings (vm.max_map_count) is reached; the target is unchanged
     */
    public static void mapAgain(MemorySegment source, MemorySegment target, long offset) throws ErrnoException {
        long length = source.byteSize();
        requirePositive(length);
        if (!source.isNative() || !target.isNative() || offset < 0 || offset > target.byteSize() - length
                || (source.address() | length | target.address() | offset) % pageSize() != 0) {
            throw new IllegalArgumentException(
                    "%d bytes at 0x%x are mapped again at 0x%x of %d bytes at 0x%x; give whole pages"
                            .formatted(length, source.address(), offset, target.byteSize(), target.address()));
        }
        MemorySegment errno = Libc.errnoBuffer();
        MemorySegment result;
        try {
            result = (MemorySegment) Again.MREMAP.invokeExact(errno, source, 0L, length,
                    (long) (MREMAP_MAYMOVE | MREMAP_FIXED), target.asSlice(offset, length));
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        if (result.address() == -1) {
            throw new ErrnoException("mremap", Libc.errno(errno));
        }
    }

    private static MemorySegment newMapping(long length, int protection, int flags, int fd, long offset, Arena arena)
            throws ErrnoException {
        long address = Link.MMAP.orThrow(Link.MMAP.call(0, length, protection, flags, fd, offset));
        boolean handedOver = false;
        try {
            MemorySegment mapped = MemorySegment.ofAddress(address).reinterpret(length, arena,
                    whole -> unmap(whole.address(), length));
            handedOver = true;
            return mapped;
        } finally {
            if (!handedOver) {
                unmap(address, length);
            }
        }
    }

    private static void unmap(long address, long length) {
        long result = Link.MUNMAP.call(address, length);
        if (result < 0) {
            throw new AssertionError("munmap of " + length + " bytes failed, " + Errno.name((int) -result)
                    + ": the range was not a mapping of ours, or the process has too many mappings.");
        }
    }

    private static void requirePositive(long length) {
        if (length <= 0) {
            throw new IllegalArgumentException("A mapping has 1 byte or more, but its length is " + length + ".");
        }
    }

    private static final class Link {
        static final NativeCall MMAP = NativeCall.returningLong("mmap");
        static final NativeCall MUNMAP = NativeCall.returningInt("munmap");
        static final long PAGE_SIZE = NativeCall.returningInt("getpagesize").call(0);
    }

    /**
     * The address is passed as a segment, so that its arena cannot be closed, and the range reused, during the call.
     */
    private static final class Overlay {
        static final MethodHandle MMAP = Libc.link("mmap",
                FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    }
    /** As {@link Overlay}. mremap(2) is variadic, which the ABIs of x86-64 and aarch64 pass alike for integers. */
    private static final class Again {
        static final MethodHandle MREMAP = Libc.link("mremap",
                FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));
    }
}
