package sluice.dmacore.budget;

import java.io.IOException;

/** A device has as much of a resource as it may have; nothing was taken. */
public final class ShareUsedUpException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Resource resource;

    ShareUsedUpException(Resource resource, String message) {
        super(message);
        this.resource = resource;
    }

    /** Of which there is no more. */
    public Resource resource() {
        return resource;
    }
}
