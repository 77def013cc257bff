package sluice.dmacore.fence;

import org.slf4j.LoggerFactory;

/** Takes findings. Called by any thread, outside of all locks of this package; must neither wait nor throw. */
@FunctionalInterface
public interface FenceListener {
    /** Writes a warning for each. */
    FenceListener LOGGED = finding -> LoggerFactory.getLogger(FenceListener.class).warn(finding.sentence());

    void found(FenceFinding finding);
}
