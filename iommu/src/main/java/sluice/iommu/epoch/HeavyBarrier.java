package sluice.iommu.epoch;

import java.lang.foreign.Arena;

/**
 * A memory barrier on all threads of the process: when it returns, each of them has executed a full fence since the
 * call. It moves the cost of a fence from each entry of a reader to the writer.
 *
 * <p>On Linux, {@code membarrier(2)} with {@code MEMBARRIER_CMD_PRIVATE_EXPEDITED} is the cheapest implementation.
 */
@FunctionalInterface
public interface HeavyBarrier {
    /** Returns when every thread of the process has executed a full fence. */
    void run();

    /**
     * An implementation without native calls: closing a shared arena performs a handshake with each thread of the JVM,
     * which includes a fence. Costs about ten microseconds.
     */
    static HeavyBarrier handshake() {
        return () -> Arena.ofShared().close();
    }
}
