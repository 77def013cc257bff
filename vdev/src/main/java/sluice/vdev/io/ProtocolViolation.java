package sluice.vdev.io;

import java.io.IOException;

/** A peer broke the rules of its protocol in a way after which the connection cannot be trusted; it is closed. */
public final class ProtocolViolation extends IOException {
    private static final long serialVersionUID = 1;

    public ProtocolViolation(String message) {
        super(message);
    }
}
