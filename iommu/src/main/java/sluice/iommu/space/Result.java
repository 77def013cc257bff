package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.fault.FaultRecord;

/**
 * What became of an attempt to reach memory, and where it failed: a value that whoever asks owns and hands in, again and again,
 * and whoever answers fills. It is the same on each floor, from a table to a queue. Nothing is allocated.
 */
public final class Result {
    private Outcome outcome = Outcome.RESOLVED;
    private long address;
    private Access access = Access.READ;
    private @Nullable FaultRecord fault;
    private String reason = "";

    public Outcome outcome() {
        return outcome;
    }

    public boolean isResolved() {
        return outcome == Outcome.RESOLVED;
    }

    /** Whether a cache has to be filled first. */
    public boolean isMiss() {
        return outcome == Outcome.MISS;
    }

    /** The first address that nothing was found for, or where what was asked for begins. Only if it failed. */
    public long address() {
        return address;
    }

    /** What the address was wanted for. Only if it failed. */
    public Access access() {
        return access;
    }

    /** The record of a fault; null if there is none, or no fault. */
    public @Nullable FaultRecord fault() {
        return fault;
    }

    /** What else there is to say about a fault: a clause that goes on where "is not guest memory" ends. Empty if that says it all. */
    public String reason() {
        return reason;
    }

    /** All was found. */
    public Outcome resolved() {
        return set(Outcome.RESOLVED, 0, Access.READ, null, "");
    }

    /** A cache does not know an address. */
    public Outcome missed(long where, Access wanted) {
        return set(Outcome.MISS, where, wanted, null, "");
    }

    /** Nothing is to be reached at an address. */
    public Outcome faulted(long where, Access wanted) {
        return set(Outcome.FAULT, where, wanted, null, "");
    }

    /** All of it. Returns the outcome, for whoever passes it on. */
    public Outcome set(Outcome became, long where, Access wanted, @Nullable FaultRecord recorded, String why) {
        outcome = became;
        address = where;
        access = wanted;
        fault = recorded;
        reason = why;
        return became;
    }
}
