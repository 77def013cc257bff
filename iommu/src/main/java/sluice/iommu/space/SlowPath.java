package sluice.iommu.space;

import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.injection.Rule;
import sluice.iommu.table.Entry;

/**
 * The slow path of readers of an authoritative space: page by page, under the lock, with rules, dirty tracking and
 * faults.
 */
final class SlowPath implements Unresolved {
    private final SpaceState state;
    private final Stalls stalls;

    SlowPath(SpaceState state, Stalls stalls) {
        this.state = state;
        this.stalls = stalls;
    }

    @Override
    public long resolve(Reader reader, long iova, long length, Access access, TargetRuns target) {
        if (state.options.bypass()) {
            long step = bypassed(iova, length);
            if (step == 0) {
                fail(reader, iova, length, access, misplaced(iova), null);
            } else {
                target.add(iova, step);
            }
            return step;
        }
        long step = Math.min(length, Targets.PAGE_SIZE - (iova & (Targets.PAGE_SIZE - 1)));
        boolean askRules = !reader.isExempt();
        while (true) {
            FaultReason reason;
            state.lock.lock();
            try {
                long entry = state.table.entry(iova);
                if (!Entry.grants(entry, access)) {
                    reason = diagnose(iova, access, entry);
                } else if (askRules && Entry.has(entry, Entry.ARMED)) {
                    reason = null;
                } else {
                    if (access == Access.WRITE && Entry.has(entry, Entry.TRACKED)) {
                        state.table.give(iova, entry, Entry.DIRTY);
                    }
                    return state.table.walk(iova, step, Entry.granted(access), target);
                }
            } finally {
                state.lock.unlock();
            }
            if (reason != null) {
                fail(reader, iova, length, access, reason, null);
                return 0;
            }
            if (!passesRules(reader, iova, step, length, access)) return 0;
            askRules = false;
        }
    }

    private boolean passesRules(Reader reader, long iova, long step, long length, Access access) {
        Rule rule = state.rules.onAccess(AddressRange.of(iova, step), access);
        switch (rule) {
            case null -> {
            }
            case Rule.Deny _ -> fail(reader, iova, length, access, FaultReason.DENIED, rule.name());
            case Rule.Poison _ -> fail(reader, iova, length, access, FaultReason.POISONED, rule.name());
            case Rule.Revoke _ -> {
                revoke(iova);
                fail(reader, iova, length, access, FaultReason.REVOKED, rule.name());
            }
            case Rule.Delay delay -> {
                long nanos = delay.delay().toNanos();
                if (reader.delays().take(nanos, System.nanoTime())) pause(nanos);
                // An unmap may have revoked this reader's section meanwhile.
                if (!reader.revoked()) return true;
                revoked(reader, iova, length, access);
            }
            case Rule.DropInvalidation _,Rule.FailMap _ ->
                throw new IllegalStateException(rule + " does not strike accesses");
        }
        return rule == null;
    }

    /** Other readers may still use their results: the memory itself stays, so they need not be waited for. */
    private void revoke(long iova) {
        state.lock.lock();
        try {
            Mapping mapping = state.index.at(iova);
            if (mapping == null) return;
            mapping.state(Mapping.State.REVOKED);
            AddressRange range = mapping.range();
            state.table.clear(range.first(), range.last(), range.first(), range.last());
        } finally {
            state.lock.unlock();
        }
    }

    private static void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        boolean interrupted = false;
        for (long left = nanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    /** Why there is no translation; the lock is held. */
    private FaultReason diagnose(long iova, Access access, long entry) {
        if (entry != 0) return access == Access.READ ? FaultReason.PERM_READ : FaultReason.PERM_WRITE;
        FaultReason misplaced = misplaced(iova);
        if (misplaced != FaultReason.NOT_MAPPED) return misplaced;
        Mapping mapping = state.index.at(iova);
        if (mapping != null) return FaultReason.REVOKED;
        return state.allocator.formerly(iova) == null ? FaultReason.NOT_MAPPED : FaultReason.AFTER_UNMAP;
    }

    /** Why an address cannot be mapped; NOT_MAPPED if it can. */
    private FaultReason misplaced(long iova) {
        IoSpaceOptions options = state.options;
        if (Long.compareUnsigned(iova, options.addressMask()) > 0) return FaultReason.OVER_MASK;
        if (!options.aperture().contains(iova)) return FaultReason.OUT_OF_APERTURE;
        for (AddressRange reserved : options.reserved()) {
            if (reserved.contains(iova)) return FaultReason.RESERVED;
        }
        return FaultReason.NOT_MAPPED;
    }

    /** Number of bytes at {@code iova} that translate to themselves. */
    private long bypassed(long iova, long length) {
        if (misplaced(iova) != FaultReason.NOT_MAPPED || iova < 0 || iova > Targets.MAX) return 0;
        // Addresses are below 2^52 here, so signed comparison is correct.
        long last = Math.min(Targets.MAX, length - 1 > Targets.MAX - iova ? Targets.MAX : iova + length - 1);
        last = least(last, state.options.aperture().last());
        last = least(last, state.options.addressMask());
        for (AddressRange reserved : state.options.reserved()) {
            if (Long.compareUnsigned(reserved.first(), iova) > 0) last = least(last, reserved.first() - 1);
        }
        return last - iova + 1;
    }

    private static long least(long a, long b) {
        return Long.compareUnsigned(a, b) < 0 ? a : b;
    }

    private void fail(Reader reader, long iova, long length, Access access, FaultReason reason,
            @Nullable String rule) {
        FaultRecord fault = state.fault(reader.context(), iova, access, length, reason, rule);
        Outcome outcome = switch (state.options.faultPolicy()) {
            case FaultPolicy.Abort _ -> Outcome.FAULT;
            case FaultPolicy.ReadZeroDropWrite _ -> Outcome.READ_ZERO_DROP_WRITE;
            case FaultPolicy.Stall _ -> Outcome.STALLED;
            case FaultPolicy.StopQueue _ -> Outcome.STOP_QUEUE;
        };
        reader.fail(outcome, iova, access, fault);
    }

    @Override
    public void revoked(Reader reader, long iova, long length, Access access) {
        FaultRecord fault = state.fault(reader.context(), iova, access, length, FaultReason.TIMEOUT, null);
        // Not stalled or skipped: the command's translations are invalid.
        reader.fail(Outcome.FAULT, iova, access, fault);
    }

    @Override
    public void notContiguous(Reader reader, long iova, long length, Access access) {
        FaultRecord fault = state.fault(reader.context(), iova, access, length, FaultReason.NOT_CONTIGUOUS, null);
        // Waiting would not make the pages contiguous.
        reader.fail(state.options.faultPolicy() instanceof FaultPolicy.StopQueue ? Outcome.STOP_QUEUE : Outcome.FAULT,
                iova, access, fault);
    }

    @Override
    public boolean awaitMapped(Reader reader) {
        return stalls.await(reader);
    }

    @Override
    public void close(Reader reader) {
        state.readers.close(reader.section());
    }
}
