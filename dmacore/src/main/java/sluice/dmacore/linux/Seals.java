package sluice.dmacore.linux;

/** The seals of a memfd, fcntl(2); values from {@code linux/fcntl.h}. */
public final class Seals {
    /** No further seals. */
    public static final int SEAL = 0x1;
    /** The file cannot shrink: an access to a mapping cannot raise SIGBUS. */
    public static final int SHRINK = 0x2;
    /** The file cannot grow. */
    public static final int GROW = 0x4;
    /** The content cannot change; requires that no writable shared mapping exists. */
    public static final int WRITE = 0x8;
    /** No new writable mappings; existing mappings stay writable. */
    public static final int FUTURE_WRITE = 0x10;
    /** {@link #get}: the file has no seals, so it is not a memfd or a file of tmpfs or hugetlbfs. */
    public static final int NONE_POSSIBLE = -1;

    private Seals() {}

    /**
     * The seals of a file. Unlike stat(2) and statfs(2) this does not call into the file system, so it never blocks on
     * a FUSE or NFS server (mm/memfd.c, memfd_file_seals_ptr).
     *
     * @return a set of the bits above, or {@link #NONE_POSSIBLE} for a file on a file system without seals
     * @throws ErrnoException any other failure of F_GET_SEALS
     */
    public static int get(Fd fd) throws ErrnoException {
        long result = Fcntl.FCNTL.call(fd.number(), Fcntl.F_GET_SEALS, 0);
        return result == -Errno.EINVAL ? NONE_POSSIBLE : (int) Fcntl.FCNTL.orThrow(result);
    }

    /**
     * Adds seals, which cannot be removed.
     *
     * @throws ErrnoException EPERM (sealed with {@link #SEAL}, or opened read-only), EBUSY ({@link #WRITE} while a
     *         writable shared mapping exists), EINVAL (no seals on this kind of file)
     */
    public static void add(Fd fd, int seals) throws ErrnoException {
        Fcntl.call(fd, Fcntl.F_ADD_SEALS, seals);
    }
}
