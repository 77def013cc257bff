package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * The cache operations of a change of ownership, without those that a line does not need. The lines' group is locked.
 *
 * <p>Whole lines change owners. A device that returns a part of a line keeps the rest: both sides may then access their
 * own bytes, and only harmed bytes are a finding.
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

    /** Between CPU ownership and that of a non-snooping device. */
    private void prepare(Walk walk, Holder holder, Direction part, boolean owned, boolean skip) {
        Region region = walk.region();
        int i = walk.interval();
        long bit = region.bit(i, holder);
        if (owned && part.deviceWrites()) checkGivenUnfetched(walk, holder, true);
        if (skip) {
            region.noteSkipped(i, bit);
        } else {
            // A transfer of lines that the device already owns implies CPU writes, permitted or not.
            if (region.mayBeDirty(i) || (owned && region.hasUnseenWriters())) clean(walk, holder, part);
            region.forgetSkipped(i);
        }
        // After the CPU may have read them.
        if (!owned) checkGivenUnfetched(walk, holder, false);
    }

    /** Writes back or drops cached bytes that may be newer than memory, as the transfer requires. */
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

    /** Lines with unfetched writes of the device are transferred to it again. */
    private void checkGivenUnfetched(Walk walk, Holder holder, boolean owned) {
        Region region = walk.region();
        if ((region.wrote(walk.interval()) & region.bit(walk.interval(), holder)) == 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        if (executor.isUnfetched(walk.lines(), walk.first(), walk.end(), harm))
            blame.unfetched(walk.lines(), holder, harm, owned);
    }

    /** Non-snooping devices that have written and returned an interval that was not fetched since. */
    private static long unfetchedOf(Region region, int interval) {
        return region.wrote(interval) & ~region.coherent(interval) & ~region.claimed(interval);
    }

    /**
     * An invalidation is about to fetch unfetched writes of devices, after the CPU may have read them.
     *
     * @param asked devices for whose bytes of the range it is requested
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

    /** Unfetched writes of devices may have been overwritten, so that nothing is to be fetched. */
    private void forgetWrittenOver(Walk walk) {
        Region region = walk.region();
        int i = walk.interval();
        long left = unfetchedOf(region, i);
        if (left == 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        executor.unfetched(walk.lines(), walk.first(), walk.end(), harm);
        if (!harm.isInside() && !harm.isBeside()) region.forgetWrote(i, left);
    }

    /** Several devices may write shared lines in turns; the kernel's DMA-API debugging reports this nevertheless. */
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
     * Writes cached lines back to memory.
     *
     * @param owners non-snooping holders that may write the lines until then
     * @return duration in nanoseconds
     */
    private long writeBack(Walk walk, @Nullable Holder holder, long owners) {
        Lines lines = walk.lines();
        Region region = walk.region();
        int i = walk.interval();
        Harm harm = lines.harm().about(walk.from(), walk.to());
        long began = System.nanoTime();
        executor.writeBack(lines, walk.first(), walk.end(), harm);
        long nanos = walk.operate(began);
        blame.writtenOver(lines, region, i, holder, owners, harm);
        region.setCpu(i, region.cpu(i).writtenBack());
        // Writes of snooping devices are now in memory.
        region.forgetWrote(i, Copies.writtenThroughCaches(region, i));
        forgetWrittenOver(walk);
        return nanos;
    }

    /**
     * Invalidates cached lines, which are then equal to memory. Destroyed bytes are added to the lines' harm.
     *
     * @param asked the bits of those whose bytes of the range it is for
     * @return duration in nanoseconds
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
        long nanos = walk.operate(began);
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
        // Writes through the caches are visible; a bounce buffer is copied back only if the device may write.
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

    /**
     * The state of caches and memory left by a holder whose write permission ends; for a partial line, if it has
     * written.
     */
    private static void leaveBehind(Region region, int interval, long bit, boolean cached, boolean fetched) {
        if ((region.mayWrite(interval) & bit) == 0 || fetched) return;
        LineState state = region.cpu(interval);
        region.setCpu(interval, cached ? state.outdated() : state.dirtied());
    }

    /** Lines that need no operation: checks that the CPU has not written them. */
    private void checkReturned(Walk walk, Holder holder) {
        Region region = walk.region();
        int i = walk.interval();
        if (region.mayBeDirty(i) || (region.skipped(i) & region.bit(i, holder)) != 0) return;
        Harm harm = walk.lines().harm().about(walk.from(), walk.to());
        executor.returned(walk.lines(), walk.first(), walk.end(), harm);
        blame.returned(walk.lines(), holder, harm);
    }

    /** A mapping has ended without the cache operation: checks for unfetched device writes. */
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

    /** Present and returning holders of an interval through the walk's buffer. */
    private static long ownClaims(Walk walk) {
        Region region = walk.region();
        long own = 0;
        for (long rest = region.claimed(walk.interval()); rest != 0; rest &= rest - 1) {
            if (walk.lines().holders().contains(region.holder(walk.interval(), rest))) own |= Long.lowestOneBit(rest);
        }
        return own;
    }

    /** The CPU borrows lines from their owners; a direction to the device means that it writes. */
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
     * Whether an access invalidates cached lines: not if another open access has written them, nor, if memory is known
     * not to be newer, bytes from a snooping device or a bounce buffer.
     */
    private boolean isFetched(Walk walk) {
        Region region = walk.region();
        if (region.isLentToWrite(walk.interval())) return false;
        // A CPU writer without begin and end may have written while an idle device owned the lines.
        boolean untold = executor.plays() && region.hasUnseenWriters();
        if (!region.mayBeDirty(walk.interval()) && !untold) return true;
        Lines lines = walk.lines();
        Harm harm = lines.harm().about(lines.position(walk.first()), lines.endPosition(walk.end() - 1));
        return executor.isUnfetched(lines, walk.first(), walk.end(), harm);
    }

    /**
     * Ends {@link #borrow}: with the last access, lines return to their owners. Writes go to memory at each end,
     * because a mapping of the buffer may end during another access.
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
            // Including holders that got the line during the access: it is synced for the present holders.
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
