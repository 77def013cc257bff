package sluice.vdev.gpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs once that host memory is exhausted within the guest's limit, because a guest can repeat the request without
 * limit.
 */
final class Shortage {
    private static final Logger LOG = LoggerFactory.getLogger(Shortage.class);

    private boolean told;

    void tell(OutOfMemoryError what) {
        if (told) {
            LOG.debug("no memory left: {}", what.getMessage());
            return;
        }
        told = true;
        LOG.error(
                "the host has no memory left, although --memory allows the guest more: {}; commands fail with OUT_OF_MEMORY",
                what.getMessage());
    }
}
