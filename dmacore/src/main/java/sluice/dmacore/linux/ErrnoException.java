package sluice.dmacore.linux;

import java.io.IOException;

/** A Linux call that failed: which one, and with which errno. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * A failed call.
     *
     * @param call  the C function's name, such as {@code mmap}
     * @param errno the positive error number it left
     */
    public ErrnoException(String call, int errno) {
        super(call + ": " + Errno.name(errno) + " (" + errno + "), " + Errno.text(errno));
        this.call = call;
        this.errno = errno;
    }

    /** The C function's name, such as {@code mmap}. */
    public String call() {
        return call;
    }

    /** The positive error number; constants are in {@link Errno}. */
    public int errno() {
        return errno;
    }
}
