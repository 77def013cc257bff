package sluice.iommu.fault;

import java.time.Duration;

/** What a device does when an access faults. The fault is recorded with any policy. */
public sealed interface FaultPolicy {
    /** The command fails. */
    record Abort() implements FaultPolicy {}

    /** Reads return zeros, writes are dropped, the command succeeds. */
    record ReadZeroDropWrite() implements FaultPolicy {}

    /**
     * The access waits until the page is mapped, and fails on timeout.
     *
     * @param timeout more than zero
     */
    record Stall(Duration timeout) implements FaultPolicy {
        public Stall {
            if (timeout.isNegative() || timeout.isZero())
                throw new IllegalArgumentException("a stall of " + timeout + "; it must be longer than zero");
        }
    }

    /** The queue stops until its driver resets it. */
    record StopQueue() implements FaultPolicy {}
}
