package sluice.dmacore.space;

import java.io.IOException;

/** A DMA_MAP or DMA_UNMAP was refused, and nothing was changed. The message names rule and range. */
public final class DmaRefusedException extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;

    DmaRefusedException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Linux errno number, positive. */
    public int errno() {
        return errno;
    }
}
