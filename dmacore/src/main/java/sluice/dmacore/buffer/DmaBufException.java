package sluice.dmacore.buffer;

import java.io.IOException;

import sluice.dmacore.linux.Errno;

/**
 * A call on a buffer was refused. The message names rule, range and limit; the errno is the one that Linux would
 * return.
 */
public final class DmaBufException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    public DmaBufException(int errno, String sentence) {
        super(sentence + " (" + Errno.name(errno) + ")");
        this.errno = errno;
    }

    /** Linux errno number, positive. */
    public int errno() {
        return errno;
    }
}
