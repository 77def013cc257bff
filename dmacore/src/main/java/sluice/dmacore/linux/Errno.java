package sluice.dmacore.linux;

import java.util.Map;

import static java.util.Map.entry;

/**
 * The Linux errno values that Sluice handles or returns, with their names and the C library's messages.
 *
 * <p>Values: {@code asm-generic/errno-base.h} and {@code asm-generic/errno.h}, which x86-64 and aarch64 share.
 */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int E2BIG = 7;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int ETXTBSY = 26;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int ESPIPE = 29;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int ERANGE = 34;
    public static final int EDEADLK = 35;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOSYS = 38;
    public static final int ELOOP = 40;
    public static final int ENODATA = 61;
    public static final int EPROTO = 71;
    public static final int EOVERFLOW = 75;
    public static final int EBADFD = 77;
    public static final int ENOTSOCK = 88;
    public static final int EMSGSIZE = 90;
    public static final int EPROTOTYPE = 91;
    public static final int ENOPROTOOPT = 92;
    public static final int EPROTONOSUPPORT = 93;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int ECONNABORTED = 103;
    public static final int ECONNRESET = 104;
    public static final int ENOBUFS = 105;
    public static final int EISCONN = 106;
    public static final int ENOTCONN = 107;
    public static final int ETOOMANYREFS = 109;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EALREADY = 114;
    public static final int EINPROGRESS = 115;
    public static final int ECANCELED = 125;

    private Errno() {}

    /** The symbolic name, such as {@code ENOMEM}; {@code errno 133} for an unknown number. */
    public static String name(int errno) {
        Meaning meaning = Table.MEANINGS.get(errno);
        return meaning == null ? "errno " + errno : meaning.name;
    }

    /** The C library's message, such as {@code Cannot allocate memory}. */
    public static String text(int errno) {
        Meaning meaning = Table.MEANINGS.get(errno);
        return meaning == null ? "Unknown error " + errno : meaning.text;
    }

    /** The number with a symbolic name, such as {@code ENOMEM}; 0 for a name that is not one of this class. */
    public static int number(String name) {
        for (Map.Entry<Integer, Meaning> one : Table.MEANINGS.entrySet()) {
            if (one.getValue().name.equals(name)) return one.getKey();
        }
        return 0;
    }

    /** All numbers of this class, for the test that compares them with the C library. */
    static Map<Integer, Meaning> meanings() {
        return Table.MEANINGS;
    }

    /** A name and the C library's text for it. */
    record Meaning(String name, String text) {}

    /** Built at the first use. */
    private static final class Table {
        static final Map<Integer, Meaning> MEANINGS = Map.ofEntries(row(EPERM, "EPERM", "Operation not permitted"),
                row(ENOENT, "ENOENT", "No such file or directory"), row(ESRCH, "ESRCH", "No such process"),
                row(EINTR, "EINTR", "Interrupted system call"), row(EIO, "EIO", "Input/output error"),
                row(ENXIO, "ENXIO", "No such device or address"), row(E2BIG, "E2BIG", "Argument list too long"),
                row(EBADF, "EBADF", "Bad file descriptor"), row(EAGAIN, "EAGAIN", "Resource temporarily unavailable"),
                row(ENOMEM, "ENOMEM", "Cannot allocate memory"), row(EACCES, "EACCES", "Permission denied"),
                row(EFAULT, "EFAULT", "Bad address"), row(EBUSY, "EBUSY", "Device or resource busy"),
                row(EEXIST, "EEXIST", "File exists"), row(ENODEV, "ENODEV", "No such device"),
                row(ENOTDIR, "ENOTDIR", "Not a directory"), row(EISDIR, "EISDIR", "Is a directory"),
                row(EINVAL, "EINVAL", "Invalid argument"), row(ENFILE, "ENFILE", "Too many open files in system"),
                row(EMFILE, "EMFILE", "Too many open files"), row(ENOTTY, "ENOTTY", "Inappropriate ioctl for device"),
                row(ETXTBSY, "ETXTBSY", "Text file busy"), row(EFBIG, "EFBIG", "File too large"),
                row(ENOSPC, "ENOSPC", "No space left on device"), row(ESPIPE, "ESPIPE", "Illegal seek"),
                row(EROFS, "EROFS", "Read-only file system"), row(EPIPE, "EPIPE", "Broken pipe"),
                row(ERANGE, "ERANGE", "Numerical result out of range"),
                row(EDEADLK, "EDEADLK", "Resource deadlock avoided"),
                row(ENAMETOOLONG, "ENAMETOOLONG", "File name too long"),
                row(ENOSYS, "ENOSYS", "Function not implemented"),
                row(ELOOP, "ELOOP", "Too many levels of symbolic links"), row(ENODATA, "ENODATA", "No data available"),
                row(EPROTO, "EPROTO", "Protocol error"),
                row(EOVERFLOW, "EOVERFLOW", "Value too large for defined data type"),
                row(EBADFD, "EBADFD", "File descriptor in bad state"),
                row(ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket"),
                row(EMSGSIZE, "EMSGSIZE", "Message too long"),
                row(EPROTOTYPE, "EPROTOTYPE", "Protocol wrong type for socket"),
                row(ENOPROTOOPT, "ENOPROTOOPT", "Protocol not available"),
                row(EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported"),
                row(EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported"),
                row(EADDRINUSE, "EADDRINUSE", "Address already in use"),
                row(ECONNABORTED, "ECONNABORTED", "Software caused connection abort"),
                row(ECONNRESET, "ECONNRESET", "Connection reset by peer"),
                row(ENOBUFS, "ENOBUFS", "No buffer space available"),
                row(EISCONN, "EISCONN", "Transport endpoint is already connected"),
                row(ENOTCONN, "ENOTCONN", "Transport endpoint is not connected"),
                row(ETOOMANYREFS, "ETOOMANYREFS", "Too many references: cannot splice"),
                row(ETIMEDOUT, "ETIMEDOUT", "Connection timed out"),
                row(ECONNREFUSED, "ECONNREFUSED", "Connection refused"),
                row(EALREADY, "EALREADY", "Operation already in progress"),
                row(EINPROGRESS, "EINPROGRESS", "Operation now in progress"),
                row(ECANCELED, "ECANCELED", "Operation canceled"));

        private static Map.Entry<Integer, Meaning> row(int errno, String name, String text) {
            return entry(errno, new Meaning(name, text));
        }
    }
}
