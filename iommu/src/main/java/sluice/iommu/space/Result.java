package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.fault.FaultRecord;

/**
 * The result of an attempt to access memory, and where it failed. The caller owns it and passes it to each call, which
 * fills it, so that nothing is allocated. The same type is used from tables up to queues.
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

    /** Whether a translation is missing in a cache. */
    public boolean isMiss() {
        return outcome == Outcome.MISS;
    }

    /** The first address that failed, or the beginning of the request. Only after a failure. */
    public long address() {
        return address;
    }

    /** The kind of access. Only after a failure. */
    public Access access() {
        return access;
    }

    /** The fault record; null if there is none. */
    public @Nullable FaultRecord fault() {
        return fault;
    }

    /** Details of a fault: a clause that follows "is not guest memory"; may be empty. */
    public String reason() {
        return reason;
    }

    /** Sets success. */
    public Outcome resolved() {
        return set(Outcome.RESOLVED, 0, Access.READ, null, "");
    }

    /** Sets a miss. */
    public Outcome missed(long where, Access wanted) {
        return set(Outcome.MISS, where, wanted, null, "");
    }

    /** Sets a fault. */
    public Outcome faulted(long where, Access wanted) {
        return set(Outcome.FAULT, where, wanted, null, "");
    }

    /** Sets all fields. Returns the outcome. */
    public Outcome set(Outcome became, long where, Access wanted, @Nullable FaultRecord recorded, String why) {
        outcome = became;
        address = where;
        access = wanted;
        fault = recorded;
        reason = why;
        return became;
    }
}
