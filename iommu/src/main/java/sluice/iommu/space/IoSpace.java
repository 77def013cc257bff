package sluice.iommu.space;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.injection.Rule;
import sluice.iommu.injection.Rules;
import sluice.iommu.table.Entry;

/**
 * The address space of one device or function: its mappings. An unmapped address faults.
 *
 * <p>Any thread may map and unmap; readers translate without a lock, each through its {@link Reader}. A call that
 * removes a mapping returns when no reader can still use it, or when its bound has expired: the remaining read sections
 * and pins are then revoked, which is recorded, and the call succeeds. Such calls (unmap, revoke, move, and those of
 * dirty tracking) throw {@link IllegalStateException} if the calling thread is in a read section.
 */
public final class IoSpace {
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private final SpaceState state;
    private final Stalls stalls;
    private final SlowPath slowPath;
    private final DirtyTracking dirty;
    private final Changes changes;

    private IoSpace(IoSpaceOptions options) {
        state = new SpaceState(options);
        stalls = new Stalls(state);
        slowPath = new SlowPath(state, stalls);
        dirty = new DirtyTracking(state);
        changes = new Changes(state, stalls, dirty);
    }

    /**
     * An empty space.
     *
     * @throws IllegalArgumentException if the aperture is too large for a requested flat table, or exceeds the 57 bits
     * of a radix table
     */
    public static IoSpace open(IoSpaceOptions options) {
        return new IoSpace(options);
    }

    public IoSpaceOptions options() {
        return state.options;
    }

    /** A reader for the calling thread only. */
    public Reader openReader() {
        return new Reader(state.readers.open(), state.table, slowPath);
    }

    /**
     * Maps {@code targets} at {@code iova}, completely or not at all.
     *
     * @param iova a multiple of the smallest page
     * @param targets whole pages
     * @throws MapException if refused for a reason of {@link Refusal}
     */
    public Mapping map(long iova, TargetRuns targets, Permission permission, Owner owner) throws MapException {
        return changes.map(iova, targets, permission, owner);
    }

    /** Maps {@code targets} at free addresses; otherwise as {@link #map(long, TargetRuns, Permission, Owner)}. */
    public Mapping map(Placement placement, TargetRuns targets, Permission permission, Owner owner)
            throws MapException {
        return changes.map(placement, targets, permission, owner);
    }

    /** Removes a mapping. If it was removed already, nothing happens, and the result has 0 bytes. */
    public Unmapped unmap(Mapping mapping) {
        return changes.unmap(mapping);
    }

    /**
     * Removes all mappings in a range, which may have holes and may be larger than the aperture.
     *
     * @throws MapException if the range is misaligned, or a mapping is only partly in it and splitting is refused;
     * nothing is removed then
     */
    public Unmapped unmap(AddressRange range, Splitting splitting) throws MapException {
        return changes.unmap(range, splitting);
    }

    /**
     * Revokes the memory of a mapping, which keeps its addresses: for an exporter that revokes a buffer. Accesses fault
     * as REVOKED until {@link #move} or {@link #unmap(Mapping)}.
     *
     * @throws MapException if it is not mapped any more
     */
    public Unmapped revoke(Mapping mapping) throws MapException {
        return changes.revoke(mapping);
    }

    /**
     * Maps the addresses of a live or revoked mapping to other memory. Concurrent translations may find old pages, new
     * ones or both; afterwards no reader uses the old ones.
     *
     * @param targets whole pages, with the size of the mapping
     * @return number of readers of the old pages that exceeded the bound
     * @throws MapException if it is not mapped any more, is pinned, or {@code targets} have another size
     */
    public int move(Mapping mapping, TargetRuns targets) throws MapException {
        return changes.move(mapping, targets);
    }

    /**
     * Detaches the space from its device: removes and reports all mappings, and fails stalled accesses. The space can
     * be used again.
     */
    public LeakReport detach() {
        state.readers.refuseInsideSection();
        stalls.abort();
        try {
            return new LeakReport(state.options.name(), changes.unmap(EVERYTHING, Splitting.ALLOWED).mappings());
        } catch (MapException impossible) {
            throw new IllegalStateException("everything is aligned and nothing is split", impossible);
        }
    }

    // ---- dirty tracking

    /** Starts dirty tracking with all pages clean. Writes in progress are done when it returns. */
    public void startDirtyTracking() {
        setDirtyTracking(true);
    }

    /** Ends dirty tracking and drops its state. */
    public void stopDirtyTracking() {
        setDirtyTracking(false);
    }

    private void setDirtyTracking(boolean on) {
        state.readers.refuseInsideSection();
        state.lock.lock();
        try {
            dirty.set(on);
        } finally {
            state.lock.unlock();
        }
        if (on) changes.awaitReaders(EVERYTHING);
    }

    /**
     * The pages of a range that were written since they were clean, which they are again. The bytes that made them dirty
     * are there when it returns; a write that comes later makes its page dirty again. The granularity is the page size
     * of the mapping, so the result may be larger than the requested range.
     */
    public DirtyPages readAndClearDirty(AddressRange range) {
        state.readers.refuseInsideSection();
        DirtyPages pages = dirty(range, true);
        if (!pages.ranges().isEmpty()) changes.awaitReaders(range);
        return pages;
    }

    /** The same, but the pages stay dirty, and writes may still be in progress. */
    public DirtyPages readDirty(AddressRange range) {
        return dirty(range, false);
    }

    private DirtyPages dirty(AddressRange range, boolean clear) {
        state.lock.lock();
        try {
            return dirty.read(range, clear);
        } finally {
            state.lock.unlock();
        }
    }

    /** Marks a range written through a {@link Pin} instead of a translation. */
    public void markDirty(AddressRange range) {
        state.lock.lock();
        try {
            dirty.mark(range);
        } finally {
            state.lock.unlock();
        }
    }

    // ---- rules

    /**
     * Adds a fault injection rule.
     *
     * @throws IllegalArgumentException if one of this name exists
     */
    public void inject(Rule rule) {
        state.lock.lock();
        try {
            state.rules.add(rule);
            AddressRange watched = Rules.watchedBy(rule);
            if (watched != null) arm(watched, watched);
        } finally {
            state.lock.unlock();
        }
    }

    /** Removes the rule of this name. Returns whether there was one. */
    public boolean withdraw(String name) {
        state.lock.lock();
        try {
            Rule rule = state.rules.remove(name);
            AddressRange watched = rule == null ? null : Rules.watchedBy(rule);
            if (watched != null) {
                for (Mapping mapping : state.index.allOverlapping(watched)) {
                    change(mapping, mapping.range(), Entry.ARMED, 0);
                    for (AddressRange other : state.rules.watched()) arm(mapping.range(), other);
                }
            }
            return rule != null;
        } finally {
            state.lock.unlock();
        }
    }

    /** How often the rule of this name has struck; 0 if there is none. Any thread may ask. */
    public long struck(String name) {
        return state.rules.struck(name);
    }

    /** The number of the event at which it struck last; 0 if it has not. Any thread may ask. */
    public long struckAt(String name) {
        return state.rules.struckAt(name);
    }

    /** Arms the entries in both ranges. */
    private void arm(AddressRange range, AddressRange watched) {
        if (!range.overlaps(watched)) return;
        AddressRange both = range.intersection(watched);
        for (Mapping mapping : state.index.allOverlapping(both)) change(mapping, both, 0, Entry.ARMED);
    }

    private void change(Mapping mapping, AddressRange range, long takeBits, long giveBits) {
        AddressRange part = mapping.range().intersection(range);
        state.table.change(part.first(), part.last(), takeBits, giveBits);
    }

    /**
     * Waits until all read sections begun before have ended or, after the bound, were revoked: before removing memory
     * that is not mapped here, such as that of a space in bypass.
     *
     * @return number of readers that exceeded the bound
     * @throws IllegalStateException inside of a read section
     */
    public int awaitReaders() {
        state.readers.refuseInsideSection();
        return changes.awaitReaders(EVERYTHING);
    }

    // ---- looking

    /**
     * Whether the calling thread is in a read section of this space, so that calls that wait for readers would be
     * refused. For callers that must know before they make changes.
     */
    public boolean insideSection() {
        return state.readers.insideSection();
    }

    /** Fails all stalled accesses, because their queue stops. */
    public void abortStalls() {
        stalls.abort();
    }

    /** Number of stalled accesses. */
    public int stalled() {
        return stalls.count();
    }

    /** The mapping that contains {@code iova}, or null. */
    public @Nullable Mapping mappingAt(long iova) {
        state.lock.lock();
        try {
            return state.index.at(iova);
        } finally {
            state.lock.unlock();
        }
    }

    /** All mappings in address order. */
    public List<Mapping> mappings() {
        state.lock.lock();
        try {
            return List.copyOf(state.index.all());
        } finally {
            state.lock.unlock();
        }
    }

    public FaultLog faults() {
        return state.faults;
    }

    public IoSpaceStatistics statistics() {
        return changes.statistics();
    }
}
