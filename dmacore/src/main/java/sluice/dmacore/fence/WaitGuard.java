package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/**
 * Detects waits that could deadlock: in a read section, on an event loop, or while holding a pin. Called before each
 * wait, even for a signalled fence, so that such a wait is found even if it would not block.
 */
@FunctionalInterface
public interface WaitGuard {
    /** Permits all waits. */
    WaitGuard NONE = () -> null;

    /**
     * The section that forbids the calling thread to wait, such as {@code a read section of gpu0}; null if it may wait.
     */
    @Nullable
    String inside();
}
