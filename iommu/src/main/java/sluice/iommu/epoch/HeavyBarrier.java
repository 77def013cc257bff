package sluice.iommu.epoch;

import java.lang.foreign.Arena;

/**
 * A memory barrier that the caller executes for all threads of the process: when it returns, each of them has passed
 * through a full fence since it was called. It carries the cost that every reader would otherwise pay on each entry.
 *
 * <p>On Linux, {@code membarrier(2)} with {@code MEMBARRIER_CMD_PRIVATE_EXPEDITED} is one, and the cheapest.
 */
@FunctionalInterface
public interface HeavyBarrier {
    /** Returns when every thread of the process has passed through a full fence. */
    void run();

    /**
     * One that needs no native call: the virtual machine shakes hands with each of its threads when a shared arena is
     * closed, and a hand that was shaken passed a fence. Costs some ten microseconds.
     */
    static HeavyBarrier handshake() {
        return () -> Arena.ofShared().close();
    }
}
