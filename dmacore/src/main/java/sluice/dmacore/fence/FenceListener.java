package sluice.dmacore.fence;

import org.slf4j.LoggerFactory;

/** Receives findings. Called by any thread, outside all locks of this package; must neither wait nor throw. */
@FunctionalInterface
public interface FenceListener {
    /** Logs a warning for each. */
    FenceListener LOGGED = finding -> LoggerFactory.getLogger(FenceListener.class).warn(finding.sentence());

    void found(FenceFinding finding);
}
