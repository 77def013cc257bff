package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * The status of an open file. {@code (device, inode)} identifies a backing file while it is open.
 *
 * <p>Read with statx(2), whose structure is the same on every architecture; {@code struct stat} is not.
 *
 * @param device as {@code st_dev}: major and minor in the C library's encoding
 * @param inode  as {@code st_ino}
 * @param size bytes; 0 for files without a size
 * @param mode   kind and permission bits, as {@code st_mode}
 */
public record FileStatus(long device, long inode, long size, int mode) {
    static final int AT_EMPTY_PATH = 0x1000;
    static final int STATX_BASIC_STATS = 0x7ff;

    static final long STATX_BYTES = 256;
    static final long STX_MODE = 28;
    static final long STX_INO = 32;
    static final long STX_SIZE = 40;
    static final long STX_DEV_MAJOR = 136;
    static final long STX_DEV_MINOR = 140;

    static final int KIND_MASK = 0xf000;
    static final int SOCKET = 0xc000;
    static final int REGULAR = 0x8000;
    static final int CHARACTER_DEVICE = 0x2000;

    /**
     * The status of an open file.
     *
     * @throws ErrnoException such as EBADF for a number that is not open
     */
    public static FileStatus of(Fd fd) throws ErrnoException {
        MemorySegment statx = Libc.scratch();
        long result;
        do {
            result = Link.STATX.call(fd.number(), Link.EMPTY_PATH.address(), AT_EMPTY_PATH, STATX_BASIC_STATS,
                    statx.address(), 0);
        } while (result == -Errno.EINTR);
        Link.STATX.orThrow(result);
        return new FileStatus(makeDevice(statx.get(JAVA_INT, STX_DEV_MAJOR), statx.get(JAVA_INT, STX_DEV_MINOR)),
                statx.get(JAVA_LONG, STX_INO), statx.get(JAVA_LONG, STX_SIZE),
                Short.toUnsignedInt(statx.get(JAVA_SHORT, STX_MODE)));
    }

    /** A socket of any family. */
    public boolean isSocket() {
        return (mode & KIND_MASK) == SOCKET;
    }

    /** A regular file, such as a memfd or a file on disk. */
    public boolean isRegular() {
        return (mode & KIND_MASK) == REGULAR;
    }

    /** A device node such as /dev/null. */
    public boolean isCharacterDevice() {
        return (mode & KIND_MASK) == CHARACTER_DEVICE;
    }

    /** As makedev(3). */
    static long makeDevice(int major, int minor) {
        long ma = Integer.toUnsignedLong(major);
        long mi = Integer.toUnsignedLong(minor);
        return (ma & 0xfffff000L) << 32 | (ma & 0xfffL) << 8 | (mi & 0xffffff00L) << 12 | (mi & 0xffL);
    }

    private static final class Link {
        static final NativeCall STATX = NativeCall.returningInt("statx");
        static final MemorySegment EMPTY_PATH = Arena.global().allocateFrom("");
    }
}
