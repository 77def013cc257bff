package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/**
 * Knows where a thread must not wait: inside of a read section, on an event loop, while it holds a pin. Asked before each wait,
 * even for a fence that is signalled, so that a wait at a wrong place is found whether or not it would have lasted.
 */
@FunctionalInterface
public interface WaitGuard {
    /** Lets everybody wait. */
    WaitGuard NONE = () -> null;

    /** What the calling thread is inside of, such as {@code a read section of gpu0}; null if it may wait. */
    @Nullable
    String inside();
}
