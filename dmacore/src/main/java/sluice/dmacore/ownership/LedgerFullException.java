package sluice.dmacore.ownership;

import java.io.IOException;

/** The lines of a buffer are too many for the ledger, or lie with those of others in too many pieces. Nothing is changed. */
public final class LedgerFullException extends IOException {
    private static final long serialVersionUID = 1L;

    LedgerFullException(String message) {
        super(message);
    }
}
