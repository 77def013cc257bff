package sluice.dmacore.fence;

import java.io.IOException;

/** A fence or a slot was refused, and nothing was changed. The message names the rule and the limit. */
public final class FenceRefusedException extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;

    FenceRefusedException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Linux errno number, positive. */
    public int errno() {
        return errno;
    }
}
