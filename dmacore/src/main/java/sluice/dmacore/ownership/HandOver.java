package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * What the caches do when lines change owners, and which of it a line does not need. The lines' group is locked.
 *
 * <p>Whole lines change owners. Of a line that a range cuts, a device that gives back keeps the rest: both sides may then touch
 * their own bytes, and only what happens to bytes is a mistake.
 */
final class HandOver {
    private static final long ALL = -1L;

    private final Flavour flavour;
    private final CacheExecutor executor;
    private final Blame blame;
    private final Bookkeeping books;

    HandOver(Flavour flavour, CacheExecutor executor, Blame blame, Bookkeeping books) {
        this.flavour = flavour;
        this.executor = executor;
        this.blame = blame;
        this.books = books;
    }

    boolean isCached(Holder holder) {
        return !holder.coherent() && flavour != Flavour.COHERENT;
    }

    // ---- to a device

    /**
     * @param walk over what is given
     * @param part what the transfer is for
     * @param mapped what the device may do from then on
     * @param begins whether the mapping begins with it
     * @param skip whether the caller says that no cache operation is needed
     */
    void give(Walk walk, Holder holder, Direction part, Direction mapped, boolean begins, boolean skip) {
        boolean cached = isCached(holder);
        CacheOperation operation = cached ? flavour.forDevice(part) : CacheOperation.NONE;
        Tally tally = walk.tally().begin();
        while (walk.next()) {
            Region region = walk.region();
            int i = walk.interval();
            long bit = region.bit(i, holder);
            // A buffer can have a line twice: what it owns then, it was given by this.
            boolean owned = !begins && ((region.readers(i) | region.writers(i)) & bit) != 0;
            tally.requested += walk.bytes();
            if (!skip && !walk.isCut()) checkWriters(walk, holder, mapped);
            if (cached) prepare(walk, holder, part, owned, skip);
            region.own(i, bit, mapped);
        }
        walk.lines().counters().transfer(!cached);
        if (operation.writesBack())
            books.writeBack(walk, holder, tally.requested, tally.executed, tally.writeBackNanos);
        if (operation.invalidates())
            books.invalidate(walk, holder, tally.requested, tally.executed, tally.invalidateNanos);
    }

    /** Between the time of the CPU and that of a device that does not snoop. */
    private void prepare(Walk walk, Holder holder, Direction part, boolean owned, boolean skip) {
        Region region = walk.region();
        int i = walk.interval();
        long bit = region.bit(i, holder);
        if (owned && !skip && part.deviceWrites()) checkGivenUnfetched(walk, holder, true);
        if (skip) {
            region.noteSkipped(i, bit);
        } else {
            // Who gives what the device has says that the CPU has written it, whether it was allowed to or not.
            if (region.mayBeDirty(i) || (owned && region.hasUnseenWriters())) clean(walk, holder, part);
            region.forgetSkipped(i);
        }
        // After the time at which the CPU may have read them.
        if (!owned) checkGivenUnfetched(walk, holder, false);
    }

    /** What the caches may have that memory has not is written back or dropped, as the transfer demands. */
    private void clean(Walk walk, Holder holder, Direction part) {
        Region region = walk.region();
        CacheOperation operation = flavour.forDevice(part);
        Tally tally = walk.tally();
        if (operation.writesBack()) {
            long owners = region.writers(walk.interval()) & ~region.coherent(walk.interval());
            tally.writeBackNanos += writeBack(walk, holder, owners);
        }
        if (operation.invalidates()) {
            tally.invalidateNanos += invalidate(walk, 0);
            blame.droppedBefore(walk.lines(), holder, walk.lines().harm());
        }
        tally.executed += walk.bytes();
    }

    /** A device is given what it wrote, and nobody has fetched. */
    private void checkGivenUnfetched(Walk walk, Holder holder, boolean owned) {
        Region region = walk.region();
        if ((region.wrote(walk.interval()) & region.bit(walk.interval(), holder)) == 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        if (executor.isUnfetched(walk.lines(), walk.first(), walk.end(), harm))
            blame.unfetched(walk.lines(), holder, harm, owned);
    }

    /** Devices that do not snoop, have written an interval and given it back, and nobody has fetched it since. */
    private static long unfetchedOf(Region region, int interval) {
        return region.wrote(interval) & ~region.coherent(interval) & ~region.claimed(interval);
    }

    /**
     * An invalidation is about to fetch what devices have left unfetched, after the time at which the CPU may have read it.
     *
     * @param asked devices whose bytes of the range it is for
     */
    private void checkFetchedLate(Walk walk, long asked) {
        Region region = walk.region();
        int i = walk.interval();
        long left = unfetchedOf(region, i);
        if (left == 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        executor.unfetched(walk.lines(), walk.first(), walk.end(), harm);
        long others = left & ~asked;
        blame.fetchedLate(walk.lines(), region.holder(i, others == 0 ? left : others), harm, others == 0);
    }

    /** What devices have left unfetched may have been written over, so that there is nothing to fetch. */
    private void forgetWrittenOver(Walk walk) {
        Region region = walk.region();
        int i = walk.interval();
        long left = unfetchedOf(region, i);
        if (left == 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        executor.unfetched(walk.lines(), walk.first(), walk.end(), harm);
        if (!harm.isInside() && !harm.isBeside()) region.forgetWrote(i, left);
    }

    /** Several devices may write what they share with each other; the kernel's DMA debugging reports them all the same. */
    private void checkWriters(Walk walk, Holder holder, Direction mapped) {
        if (!mapped.deviceWrites()) return;
        Region region = walk.region();
        for (long rest = region.writers(walk.interval()); rest != 0; rest &= rest - 1) {
            Holder other = region.holder(walk.interval(), rest);
            if (other.device().equals(holder.device()) || !(isCached(holder) || isCached(other))) continue;
            blame.lines(Rule.D17_OVERLAPPING_WRITES, walk.lines(), holder, walk.first(), walk.end(),
                    other.device() + " may still write them, which is right only if the two take turns");
            return;
        }
    }

    // ---- what the caches do

    /**
     * What the caches hold goes to memory.
     *
     * @param owners those who do not snoop and may write the lines until then
     * @return how long it took
     */
    private long writeBack(Walk walk, @Nullable Holder holder, long owners) {
        Lines lines = walk.lines();
        Region region = walk.region();
        int i = walk.interval();
        Harm harm = lines.harm().about(walk.from(), walk.to());
        long began = System.nanoTime();
        executor.writeBack(lines, walk.first(), walk.end(), harm);
        long nanos = System.nanoTime() - began;
        blame.writtenOver(lines, region, i, holder, owners, harm);
        region.setCpu(i, region.cpu(i).writtenBack());
        // What devices that snoop have written is in memory.
        region.forgetWrote(i, Copies.writtenThroughCaches(region, i));
        forgetWrittenOver(walk);
        return nanos;
    }

    /**
     * The caches' lines are dropped: what is there then is what memory holds. What that destroys is the harm of the lines.
     *
     * @param asked the bits of those whose bytes of the range it is for
     * @return how long it took
     */
    private long invalidate(Walk walk, long asked) {
        Lines lines = walk.lines();
        Region region = walk.region();
        int i = walk.interval();
        checkFetchedLate(walk, asked);
        Harm harm = lines.harm().about(walk.from(), walk.to());
        boolean copied = Copies.areWritten(region, i);
        if (copied) Copies.dropping(walk);
        long began = System.nanoTime();
        executor.invalidate(lines, walk.first(), walk.end(), harm);
        long nanos = System.nanoTime() - began;
        if (copied) Copies.dropped(walk);
        region.setCpu(i, LineState.CLEAN);
        region.forgetWrote(i, ~region.coherent(i));
        return nanos;
    }

    // ---- back from a device

    /**
     * @param walk over what is taken
     * @param part what the transfer is for
     * @param ends whether the mapping ends with it
     * @param skip whether the caller says that no cache operation is needed
     * @return whether the holder had none of them
     */
    boolean take(Walk walk, Holder holder, Direction part, boolean ends, boolean skip) {
        Lines lines = walk.lines();
        boolean cached = isCached(holder);
        boolean invalidates = cached && flavour.forCpu(part).invalidates();
        // What went through the caches is there; a copy is copied back only where the device was to write.
        boolean comesBack = !cached && (holder.copy() == null || (part.deviceWrites() && !skip));
        long requested = 0;
        long executed = 0;
        long nanos = 0;
        boolean redundant = true;
        while (walk.next()) {
            Region region = walk.region();
            int i = walk.interval();
            long bit = region.bit(i, holder);
            boolean had = ((region.readers(i) | region.writers(i)) & bit) != 0;
            boolean lent = (region.lent(i) & bit) != 0;
            requested += walk.bytes();
            boolean fetched = false;
            if (invalidates && !skip && region.mayBeStale(i)) {
                nanos += invalidate(walk, bit);
                blame.dropped(lines, region, i, holder, had, lines.harm());
                executed += walk.bytes();
                fetched = true;
            } else if (cached && !skip && had) {
                checkReturned(walk, holder);
            } else if (invalidates && !skip && !lent) {
                Harm harm = lines.harm().about(walk.from(), walk.to());
                executor.wouldLose(lines, walk.first(), walk.end(), harm);
                blame.dropped(lines, region, i, holder, false, harm);
            }
            redundant &= (region.claimed(i) & bit) == 0 && !fetched;
            leaveBehind(region, i, bit, cached, fetched);
            if (comesBack && !walk.isCut()) region.forgetWrote(i, bit);
            if (!ends && walk.isCut()) {
                region.disownPart(i, bit);
            } else {
                region.disown(i, bit);
            }
            region.settle(i);
        }
        lines.counters().transfer(!cached);
        if (invalidates) books.invalidate(walk, holder, requested, executed, nanos);
        return redundant;
    }

    /** What a holder who may write leaves in caches or memory, when it may no more; of a line that it kept a part of, if it has. */
    private static void leaveBehind(Region region, int interval, long bit, boolean cached, boolean fetched) {
        if ((region.mayWrite(interval) & bit) == 0 || fetched) return;
        LineState state = region.cpu(interval);
        region.setCpu(interval, cached ? state.outdated() : state.dirtied());
    }

    /** Nothing is to be done about lines that come back, but the CPU must have left them alone. */
    private void checkReturned(Walk walk, Holder holder) {
        Region region = walk.region();
        int i = walk.interval();
        if (region.mayBeDirty(i) || (region.skipped(i) & region.bit(i, holder)) != 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        executor.returned(walk.lines(), walk.first(), walk.end(), harm);
        blame.returned(walk.lines(), holder, harm);
    }

    /** A mapping has ended without the cache operation: whether a device has written what nobody fetched. */
    void checkUnfetched(Lines lines, Holder holder) {
        if (!isCached(holder) || lines.count() == 0) return;
        Harm harm = lines.harm().about(0, lines.runs().bytes());
        Walk walk = lines.walk().look(0, lines.count());
        while (walk.next()) {
            if ((walk.region().wrote(walk.interval()) & walk.region().bit(walk.interval(), holder)) == 0
                    || !executor.isUnfetched(lines, walk.first(), walk.end(), harm))
                continue;
            blame.unfetched(lines, holder, harm, false);
            return;
        }
    }

    // ---- accesses of the CPU

    /** Those who have some of an interval, or will, by the buffer that the walk is over. */
    private static long ownClaims(Walk walk) {
        Region region = walk.region();
        long own = 0;
        for (long rest = region.claimed(walk.interval()); rest != 0; rest &= rest - 1) {
            if (walk.lines().holders().contains(region.holder(walk.interval(), rest))) own |= Long.lowestOneBit(rest);
        }
        return own;
    }

    /** The CPU borrows lines from whoever owns them; a direction to the device means that it writes. */
    void borrow(Walk walk, Direction direction) {
        Lines lines = walk.lines();
        boolean invalidates = flavour.forCpu(direction).invalidates();
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        while (walk.next()) {
            Region region = walk.region();
            int i = walk.interval();
            long owners = (region.readers(i) | region.writers(i)) & ~region.coherent(i);
            boolean stale = region.mayBeStale(i);
            if (invalidates && (stale || owners != 0)) requested += walk.bytes();
            boolean fetched = invalidates && stale && isFetched(walk);
            if (fetched) {
                nanos += invalidate(walk, ALL);
                blame.dropped(lines, region, i, owners == 0 ? null : region.holder(i, owners), owners != 0,
                        lines.harm());
                executed += walk.bytes();
            }
            long writers = region.mayWrite(i);
            if (!fetched && (writers & ~region.coherent(i)) != 0) region.setCpu(i, region.cpu(i).outdated());
            if ((writers & region.coherent(i)) != 0) region.setCpu(i, region.cpu(i).dirtied());
            region.lend(i, direction.deviceReads(), walk.isCut());
            region.settle(i);
        }
        books.invalidate(walk, null, requested, executed, nanos);
    }

    /**
     * Whether what the caches have is dropped for an access: not what another one has written that is open, nor, where memory
     * is known to be no newer, what a device that snoops, or a copy, has left in them.
     */
    private boolean isFetched(Walk walk) {
        Region region = walk.region();
        if (region.isLentToWrite(walk.interval())) return false;
        // One who does not tell may have written in the time of a device that is mapped and does nothing.
        boolean untold = executor.plays() && region.hasUnseenWriters();
        if (!region.mayBeDirty(walk.interval()) && !untold) return true;
        Lines lines = walk.lines();
        Harm harm = lines.harm().about(lines.position(walk.first()), lines.endPosition(walk.end() - 1));
        return executor.isUnfetched(lines, walk.first(), walk.end(), harm);
    }

    /**
     * Ends what {@link #borrow} began: with the last access, those who had lines own them again. What was written goes to memory with
     * each, for a mapping of the buffer may end in the middle of another.
     */
    void giveBack(Walk walk, Direction direction) {
        boolean wrote = direction.deviceReads();
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        while (walk.next()) {
            Region region = walk.region();
            int i = walk.interval();
            if (wrote) region.setCpu(i, region.cpu(i).dirtied());
            boolean last = region.giveBack(i, wrote);
            // Also those who got the line in the middle of the access: it is synced for whoever has it now.
            long owners = (last ? region.claimed(i) : wrote ? ownClaims(walk) : 0) & ~region.coherent(i);
            if (owners == 0 || flavour == Flavour.COHERENT) continue;
            requested += walk.bytes();
            if (!region.cpu(i).mayBeDirty()) continue;
            nanos += writeBack(walk, null, 0);
            executed += walk.bytes();
            region.forgetSkipped(i);
            if (!last || (owners & ~region.kept(i)) == 0) region.settle(i);
        }
        books.writeBack(walk, null, requested, executed, nanos);
    }
}
