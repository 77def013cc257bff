package sluice.dmacore.linux;

import java.io.IOException;

/** A failed Linux call with its errno. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * A failed call.
     *
     * @param call  the C function's name, such as {@code mmap}; of an ioctl also its request, as in
     *              {@code ioctl UDMABUF_CREATE}
     * @param errno the positive errno
     */
    public ErrnoException(String call, int errno) {
        super(describe(call, errno));
        this.call = call;
        this.errno = errno;
    }

    private ErrnoException(ErrnoException cause, String why) {
        super(describe(cause.call, cause.errno) + ": " + why, cause);
        call = cause.call;
        errno = cause.errno;
    }

    /**
     * The same failure with its reason.
     *
     * @param why a sentence with the rule, the range, the limit and what to do
     */
    public ErrnoException because(String why) {
        return new ErrnoException(this, why);
    }

    private static String describe(String call, int errno) {
        return call + ": " + Errno.name(errno) + " (" + errno + "), " + Errno.text(errno);
    }

    /** The C function's name, such as {@code mmap}; of an ioctl with a known request also that request's name. */
    public String call() {
        return call;
    }

    /** The positive error number; constants are in {@link Errno}. */
    public int errno() {
        return errno;
    }
}
