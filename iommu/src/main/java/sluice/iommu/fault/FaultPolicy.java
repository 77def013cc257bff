package sluice.iommu.fault;

import java.time.Duration;

/** What a device is told to do when an access faults. The fault is recorded whatever the policy. */
public sealed interface FaultPolicy {
    /** The command fails. */
    record Abort() implements FaultPolicy {}

    /** Reads give zeros, writes go nowhere, the command succeeds. */
    record ReadZeroDropWrite() implements FaultPolicy {}

    /**
     * The access waits until somebody maps the page, and fails when nobody does.
     *
     * @param timeout more than zero
     */
    record Stall(Duration timeout) implements FaultPolicy {
        public Stall {
            if (timeout.isNegative() || timeout.isZero())
                throw new IllegalArgumentException("a stall of " + timeout + "; it must be longer than zero");
        }
    }

    /** The queue stops, and its driver has to reset it. */
    record StopQueue() implements FaultPolicy {}
}
