package sluice.dmacore.ownership;

import java.io.IOException;

/** A buffer has too many lines, or shares too many pieces with other buffers. Nothing is changed. */
public final class LedgerFullException extends IOException {
    private static final long serialVersionUID = 1L;

    LedgerFullException(String message) {
        super(message);
    }
}
