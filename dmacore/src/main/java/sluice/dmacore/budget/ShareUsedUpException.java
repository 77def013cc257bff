package sluice.dmacore.budget;

import java.io.IOException;

/** A device has used up its share of a resource; nothing was charged. */
public final class ShareUsedUpException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Resource resource;

    ShareUsedUpException(Resource resource, String message) {
        super(message);
        this.resource = resource;
    }

    /** The resource that is used up. */
    public Resource resource() {
        return resource;
    }
}
