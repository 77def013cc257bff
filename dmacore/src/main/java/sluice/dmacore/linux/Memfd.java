package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/** Anonymous memory with a descriptor: memfd_create(2). */
public final class Memfd {
    /** Permits seals; without it the file has {@link Seals#SEAL} from the start. */
    public static final int ALLOW_SEALING = 0x2;
    /** Backed by huge pages of the default size. */
    public static final int HUGETLB = 0x4;

    static final int MFD_CLOEXEC = 0x1;

    /** FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE of {@code linux/falloc.h}. */
    private static final int PUNCH_HOLE_KEEP_SIZE = 0x1 | 0x2;

    private Memfd() {}

    /**
     * Creates an empty file, close-on-exec.
     *
     * @param name  shown in /proc as {@code memfd:name}; at most 249 bytes
     * @param flags any of {@link #ALLOW_SEALING} and {@link #HUGETLB}, or 0
     * @throws ErrnoException EINVAL (name too long, unknown flag), EMFILE, ENODEV (no huge pages), ENOMEM
     */
    public static Fd create(String name, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            long nameAddress = arena.allocateFrom(name).address();
            return Fd.own((int) Link.MEMFD_CREATE.orThrow(Link.MEMFD_CREATE.call(nameAddress, flags | MFD_CLOEXEC)));
        }
    }

    /**
     * Sets the file's size: ftruncate(2). New bytes are zero.
     *
     * @param size bytes, 0 or more
     * @throws ErrnoException EPERM (a seal forbids it), EINVAL (not a file that can be resized, or a negative size),
     *         EFBIG
     */
    public static void resize(Fd fd, long size) throws ErrnoException {
        Unistd.FTRUNCATE.orThrow(Unistd.FTRUNCATE.callThroughSignals(fd.number(), size, 0));
    }

    /**
     * Frees the pages of a range: fallocate(2) with FALLOC_FL_PUNCH_HOLE. The range then reads as zeros and uses no
     * memory until written; the size is unchanged. Partial pages are zeroed but kept.
     *
     * @param offset bytes, 0 or more
     * @param length bytes, 1 or more
     * @throws ErrnoException EPERM (a seal forbids it), EINVAL (invalid range), EOPNOTSUPP (not supported by the file)
     */
    public static void punch(Fd fd, long offset, long length) throws ErrnoException {
        Link.FALLOCATE.orThrow(Link.FALLOCATE.callThroughSignals(fd.number(), PUNCH_HOLE_KEEP_SIZE, offset, length));
    }

    /**
     * Writes at the file's position: write(2).
     *
     * @param bytes in native memory
     * @throws ErrnoException ENOSPC, EPERM (a seal forbids it), or for another kind of file such as EAGAIN
     */
    public static void write(Fd fd, MemorySegment bytes) throws ErrnoException {
        try {
            long at = 0;
            while (at < bytes.byteSize())
                at += Unistd.WRITE.orThrow(Unistd.WRITE.callThroughSignals(fd.number(), bytes.address() + at,
                        bytes.byteSize() - at));
        } finally {
            Reference.reachabilityFence(bytes);
        }
    }

    private static final class Link {
        static final NativeCall FALLOCATE = NativeCall.returningInt("fallocate");
        static final NativeCall MEMFD_CREATE = NativeCall.returningInt("memfd_create");
    }
}
