package sluice.iommu.space;

import java.util.concurrent.locks.Condition;

import sluice.iommu.Access;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.table.Entry;

/** Accesses that wait for a map of their page, like a PCI page request. */
final class Stalls {
    private final SpaceState state;
    private final Condition changed;
    private int stalled;
    private long abortions;

    Stalls(SpaceState state) {
        this.state = state;
        this.changed = state.lock.newCondition();
    }

    /** A mapping was created; the lock is held. */
    void mapped() {
        if (stalled > 0) changed.signalAll();
    }

    /** Ends all waits at once. */
    void abort() {
        state.lock.lock();
        try {
            abortions++;
            changed.signalAll();
        } finally {
            state.lock.unlock();
        }
    }

    /** Number of waiting accesses. */
    int count() {
        state.lock.lock();
        try {
            return stalled;
        } finally {
            state.lock.unlock();
        }
    }

    boolean await(Reader reader) {
        if (!(state.options.faultPolicy() instanceof FaultPolicy.Stall stall)) return false;
        long iova = reader.result().address();
        Access access = reader.result().access();
        long left = stall.timeout().toNanos();
        state.lock.lock();
        try {
            stalled++;
            long before = abortions;
            while (!Entry.grants(state.table.entry(iova), access)) {
                if (abortions != before) return false;
                if (left <= 0) break;
                left = changed.awaitNanos(left);
            }
            if (Entry.grants(state.table.entry(iova), access)) return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            stalled--;
            state.lock.unlock();
        }
        FaultRecord fault = state.fault(reader.context(), iova, access, 1, FaultReason.TIMEOUT, null);
        reader.fail(Outcome.FAULT, iova, access, fault);
        return false;
    }
}
