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
 * The addresses one device or function can reach, and what they lead to. What is not mapped faults.
 *
 * <p>Any thread may map and unmap; readers translate without a lock, each through its {@link Reader}. A call that takes
 * something away returns when no reader can still use it, or when its bound is over: then the read sections and the pins
 * that it waited for are revoked, that is recorded, and the call succeeds. Such calls (unmap, revoke, move, and those of
 * dirty tracking) throw {@link IllegalStateException} when their own thread is inside of a read section.
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
     * @throws IllegalArgumentException if the aperture is too wide for a flat table that was asked for, or reaches beyond the
     *         57 bits of a radix table
     */
    public static IoSpace open(IoSpaceOptions options) {
        return new IoSpace(options);
    }

    public IoSpaceOptions options() {
        return state.options;
    }

    /** A reader for the calling thread, which is the only one that may use it. */
    public Reader openReader() {
        return new Reader(state.readers.open(), state.table, slowPath);
    }

    /**
     * Maps {@code targets} at {@code iova}, all or nothing.
     *
     * @param iova a multiple of the smallest page
     * @param targets whole pages
     * @throws MapException if a rule of {@link Refusal} forbids it
     */
    public Mapping map(long iova, TargetRuns targets, Permission permission, Owner owner) throws MapException {
        return changes.map(iova, targets, permission, owner);
    }

    /** Maps {@code targets} where there is room; otherwise as {@link #map(long, TargetRuns, Permission, Owner)}. */
    public Mapping map(Placement placement, TargetRuns targets, Permission permission, Owner owner)
            throws MapException {
        return changes.map(placement, targets, permission, owner);
    }

    /** Removes a mapping. If it is not there any more nothing happens, and the result says 0 bytes. */
    public Unmapped unmap(Mapping mapping) {
        return changes.unmap(mapping);
    }

    /**
     * Removes what is mapped in a range, which may have holes and may be larger than the aperture.
     *
     * @throws MapException if the range is misaligned, or a mapping lies only partly in it and splitting is refused; then
     *         nothing is removed
     */
    public Unmapped unmap(AddressRange range, Splitting splitting) throws MapException {
        return changes.unmap(range, splitting);
    }

    /**
     * Takes the memory of a mapping away and keeps its addresses for it: what an importer has to bear when the exporter of a
     * buffer revokes it. Accesses fault as REVOKED until {@link #move} or {@link #unmap(Mapping)}.
     *
     * @throws MapException if it is not mapped any more
     */
    public Unmapped revoke(Mapping mapping) throws MapException {
        return changes.revoke(mapping);
    }

    /**
     * Leads the addresses of a mapping to other memory, or a revoked one to memory again. A translation meanwhile may find
     * old pages, new ones or some of both; afterwards nobody uses the old ones.
     *
     * @param targets whole pages, as many bytes as the mapping has
     * @return how many readers did not let go of the old pages within the bound
     * @throws MapException if it is not mapped any more, is pinned, or {@code targets} do not fit
     */
    public int move(Mapping mapping, TargetRuns targets) throws MapException {
        return changes.move(mapping, targets);
    }

    /**
     * Takes the space from its device: everything is removed, accesses that are stalled fail, and what was still mapped is
     * reported. The space is empty afterwards and can be used again.
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

    /** Begins to note which pages are written, all of them clean. Writes that were under way are done when it returns. */
    public void startDirtyTracking() {
        setDirtyTracking(true);
    }

    /** Ends it, and forgets which pages were written. */
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
     * are there when it returns; a write that comes later makes its page dirty again. A page is as large as its mapping
     * allowed, so a range may come out wider than it went in.
     */
    public DirtyPages readAndClearDirty(AddressRange range) {
        state.readers.refuseInsideSection();
        DirtyPages pages = dirty(range, true);
        if (!pages.ranges().isEmpty()) changes.awaitReaders(range);
        return pages;
    }

    /** The same, but the pages stay dirty, and their last bytes may still be on the way. */
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

    /** Says that a range was written by somebody who holds a {@link Pin} instead of translating. */
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
     * Adds a rule by which something goes wrong.
     *
     * @throws IllegalArgumentException if there is one of this name
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

    /** Arms what is mapped in both ranges. */
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
     * Returns when every read section that has begun has ended, or the bound is over and it was revoked: for those who take away what
     * no mapping here leads to, such as memory behind a space in bypass.
     *
     * @return how many readers did not let go within the bound
     * @throws IllegalStateException inside of a read section
     */
    public int awaitReaders() {
        state.readers.refuseInsideSection();
        return changes.awaitReaders(EVERYTHING);
    }

    // ---- looking

    /**
     * Whether the calling thread is inside of a read section here, so that everything that waits for readers would be refused:
     * to be asked by those who could not undo what they do before.
     */
    public boolean insideSection() {
        return state.readers.insideSection();
    }

    /** Fails all accesses that are stalled, because their queue stops. */
    public void abortStalls() {
        stalls.abort();
    }

    /** How many accesses are stalled now. */
    public int stalled() {
        return stalls.count();
    }

    /** The mapping that covers {@code iova}, or null. */
    public @Nullable Mapping mappingAt(long iova) {
        state.lock.lock();
        try {
            return state.index.at(iova);
        } finally {
            state.lock.unlock();
        }
    }

    /** All mappings in the order of their addresses. */
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
