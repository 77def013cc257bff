package sluice.vdev.vfiouser;

import java.io.IOException;

/** A refused command; it is answered with an errno, and the session continues. */
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
