package sluice.iommu.space;

import java.util.ArrayList;
import java.util.List;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Rule;
import sluice.iommu.table.Entry;

/**
 * Creates and removes mappings: index, allocator and table change together under the lock; a removal waits for readers
 * after releasing the lock, because a faulting reader needs the lock.
 */
final class Changes {
    /**
     * Limit of a space's radix tree, against a guest that chooses addresses so that each needs nodes of its own. 4 GiB
     * in single pages needs half of this.
     */
    static final long MOST_TABLE_BYTES = 16L << 20;

    private final SpaceState state;
    private final MapCheck check;
    private final Stalls stalls;
    private final DirtyTracking dirty;
    private long nextId = 1;
    private long maps;
    private long unmaps;
    private long overruns;

    Changes(SpaceState state, Stalls stalls, DirtyTracking dirty) {
        this.state = state;
        this.check = new MapCheck(state.options);
        this.stalls = stalls;
        this.dirty = dirty;
    }

    Mapping map(long iova, TargetRuns targets, Permission permission, Owner owner) throws MapException {
        state.lock.lock();
        try {
            check.targets(targets);
            AddressRange range = check.range(iova, targets.bytes());
            check.overlap(range, state.index.overlapping(range));
            check.count(state.index.size());
            write(range, targets, permission, true);
            state.allocator.take(range);
            return enter(range, permission, owner);
        } catch (MapException failure) {
            throw settled(failure);
        } finally {
            state.lock.unlock();
        }
    }

    Mapping map(Placement placement, TargetRuns targets, Permission permission, Owner owner) throws MapException {
        long length = targets.bytes();
        state.lock.lock();
        try {
            check.targets(targets);
            check.placement(placement, length);
            check.count(state.index.size());
            long alignment = Math.max(placement.alignment(), state.options.pageSizes().smallest());
            AddressRange range = state.allocator.allocate(length, alignment, placement.boundary());
            if (range == null) throw check.noRoom(length, placement, state.index.bytes());
            boolean written = false;
            try {
                write(range, targets, permission, true);
                written = true;
            } finally {
                if (!written) state.allocator.giveBack(range);
            }
            return enter(range, permission, owner);
        } catch (MapException failure) {
            throw settled(failure);
        } finally {
            state.lock.unlock();
        }
    }

    /** Writes all entries or none. */
    private void write(AddressRange range, TargetRuns targets, Permission permission, boolean mayFail)
            throws MapException {
        long flags = Entry.flags(permission) | dirty.flags();
        for (AddressRange watched : state.rules.watched()) {
            if (watched.overlaps(range)) flags |= Entry.ARMED;
        }
        Rule.FailMap fail = mayFail ? state.rules.onMap() : null;
        int runs = fail == null ? targets.count() : Math.min(targets.count(), fail.afterRuns());
        boolean fits = true;
        boolean complete = false;
        try {
            long most = mayFail ? MOST_TABLE_BYTES : Long.MAX_VALUE;
            fits = state.table.map(range.first(), targets, 0, runs, Entry.settled(flags), most);
            complete = fits && fail == null;
        } finally {
            if (!complete) clear(range, state.index.at(range.first()) == null ? state.index.gapAround(range) : range);
        }
        if (!fits) throw check.tableFull(range, MOST_TABLE_BYTES);
        if (fail != null) throw check.injected(range, fail);
    }

    private Mapping enter(AddressRange range, Permission permission, Owner owner) {
        String site = state.options.keepSites() ? CreationSite.find() : null;
        Mapping mapping = new Mapping(nextId++, range, permission, owner, System.nanoTime(), site);
        state.index.add(mapping);
        maps++;
        stalls.mapped();
        return mapping;
    }

    /** Waits for readers of entries written by a failed map, at addresses not yet returned to the caller. */
    private MapException settled(MapException failure) {
        if (failure.refusal() != Refusal.INJECTED && failure.refusal() != Refusal.TABLE_FULL) return failure;
        // Readers may need the lock before they can leave their sections.
        state.lock.unlock();
        int overrun = state.readers.await(deadline());
        state.lock.lock();
        overruns += overrun;
        return failure;
    }

    private void clear(AddressRange range, AddressRange gap) {
        state.table.clear(range.first(), range.last(), gap.first(), gap.last());
    }

    Unmapped unmap(Mapping mapping) {
        state.readers.refuseInsideSection();
        List<Mapping> ended = new ArrayList<>(1);
        state.lock.lock();
        try {
            if (state.index.contains(mapping)) ended.add(mapping);
            remove(ended, mapping.range());
        } finally {
            state.lock.unlock();
        }
        return finish(ended, mapping.range());
    }

    Unmapped unmap(AddressRange range, Splitting splitting) throws MapException {
        check.unmapAligned(range);
        state.readers.refuseInsideSection();
        List<Mapping> ended;
        state.lock.lock();
        try {
            ended = state.index.allOverlapping(range);
            if (splitting == Splitting.REFUSED) {
                for (Mapping mapping : ended) check.splitting(range, mapping);
            }
            remove(ended, range);
        } finally {
            state.lock.unlock();
        }
        return finish(ended, range);
    }

    /** Removes mappings, or their parts in {@code range}, from all structures; {@link #finish} must follow. */
    private void remove(List<Mapping> mappings, AddressRange range) {
        state.waiting.incrementAndGet();
        for (Mapping mapping : mappings) {
            AddressRange whole = mapping.range();
            AddressRange cut = whole.intersection(range);
            state.index.remove(mapping);
            if (whole.first() != cut.first())
                state.index.add(mapping.part(nextId++, new AddressRange(whole.first(), cut.first() - 1)));
            if (whole.last() != cut.last())
                state.index.add(mapping.part(nextId++, new AddressRange(cut.last() + 1, whole.last())));
            clear(cut, state.index.gapAround(cut));
            state.allocator.release(cut, mapping.asNeighbour());
            mapping.state(Mapping.State.UNMAPPED);
            unmaps++;
        }
    }

    private Unmapped finish(List<Mapping> ended, AddressRange range) {
        // Skipped if nothing was removed, now or by another change that still waits.
        boolean idle = ended.isEmpty() && state.waiting.get() == 1;
        int overrun = awaitUsers(ended, range, idle);
        long bytes = 0;
        for (Mapping mapping : ended) bytes += mapping.range().intersection(range).size();
        return new Unmapped(bytes, ended, overrun);
    }

    /** Decrements the count of waiting changes. Called without the lock. */
    private int awaitUsers(List<Mapping> mappings, AddressRange range, boolean idle) {
        int overrun = 0;
        try {
            long deadline = deadline();
            if (!idle) overrun = state.readers.await(deadline);
            for (Mapping mapping : mappings) overrun += mapping.awaitUnpinned(deadline);
        } finally {
            state.waiting.decrementAndGet();
        }
        if (overrun > 0) recordOverrun(overrun, range);
        return overrun;
    }

    private void recordOverrun(int overrun, AddressRange range) {
        state.lock.lock();
        try {
            overruns += overrun;
        } finally {
            state.lock.unlock();
        }
        state.fault(FaultContext.NONE, range.first(), null, range.size(), FaultReason.TIMEOUT, null);
    }

    private long deadline() {
        return System.nanoTime() + state.options.unmapBound().toNanos();
    }

    Unmapped revoke(Mapping mapping) throws MapException {
        state.readers.refuseInsideSection();
        boolean wasLive;
        state.lock.lock();
        try {
            if (!state.index.contains(mapping)) throw check.gone(mapping);
            state.waiting.incrementAndGet();
            wasLive = mapping.state() == Mapping.State.LIVE;
            mapping.state(Mapping.State.REVOKED);
            clear(mapping.range(), mapping.range());
        } finally {
            state.lock.unlock();
        }
        List<Mapping> ended = List.of(mapping);
        int overrun = awaitUsers(ended, mapping.range(), false);
        return wasLive ? new Unmapped(mapping.length(), ended, overrun) : new Unmapped(0, List.of(), overrun);
    }

    int move(Mapping mapping, TargetRuns targets) throws MapException {
        state.readers.refuseInsideSection();
        AddressRange range = mapping.range();
        state.lock.lock();
        try {
            if (!state.index.contains(mapping)) throw check.gone(mapping);
            check.targets(targets);
            check.sameLength(mapping, targets);
            if (!mapping.beginMove()) throw check.pinned(mapping);
            state.waiting.incrementAndGet();
            clear(range, range);
            write(range, targets, mapping.permission(), false);
            mapping.state(Mapping.State.LIVE);
            stalls.mapped();
        } finally {
            state.lock.unlock();
        }
        return awaitUsers(List.of(), range, false);
    }

    /** Waits, up to the bound, for sections begun before the call; returns the number of those that exceeded it. */
    int awaitReaders(AddressRange range) {
        state.waiting.incrementAndGet();
        return awaitUsers(List.of(), range, false);
    }

    IoSpaceStatistics statistics() {
        state.lock.lock();
        try {
            return new IoSpaceStatistics(maps, unmaps, state.index.size(), state.index.bytes(), state.faults.total(),
                    overruns, state.readers.barriers());
        } finally {
            state.lock.unlock();
        }
    }
}
