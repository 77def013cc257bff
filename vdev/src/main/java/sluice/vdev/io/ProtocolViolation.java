package sluice.vdev.io;

import java.io.IOException;

/** A peer violated its protocol in a way that leaves the stream unusable; the connection is closed. */
public final class ProtocolViolation extends IOException {
    private static final long serialVersionUID = 1;

    public ProtocolViolation(String message) {
        super(message);
    }
}
