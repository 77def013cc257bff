package sluice.vdev.vfiouser;

import java.io.IOException;

/** A command cannot be carried out; it is answered with an error number, and the session goes on. */
final class RefusedException extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;

    RefusedException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Linux errno number, positive. */
    int errno() {
        return errno;
    }
}
