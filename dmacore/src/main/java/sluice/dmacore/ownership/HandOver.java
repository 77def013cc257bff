package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * What the caches do when lines change owners, and which of it a line does not need. The lines' group is locked. Ranges are
 * bytes {@code from} to {@code to} − 1 of the buffer, and not empty.
 *
 * <p>Whole lines change owners. Of a line that a range cuts, a device that gives back keeps the rest: both sides may then touch
 * their own bytes, and only what happens to bytes is a mistake.
 */
final class HandOver {
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
     * A device's turn; there are few, which are made once.
     *
     * @param part what the transfer is for
     * @param mapped what the device may do from then on
     * @param skip whether the caller says that no cache operation is needed
     * @param first whether the mapping begins with it
     */
    record Turn(Direction part, Direction mapped, boolean skip, boolean first) {
        private static final Turn[] ALL = new Turn[36];
        static {
            for (Direction part : Direction.values()) {
                for (Direction mapped : Direction.values()) {
                    for (int i = 0; i < 4; i++)
                        ALL[index(part, mapped, (i & 1) != 0, (i & 2) != 0)] = new Turn(part, mapped, (i & 1) != 0,
                                (i & 2) != 0);
                }
            }
        }

        @SuppressWarnings("EnumOrdinal") // an index into a table that is made anew each time
        private static int index(Direction part, Direction mapped, boolean skip, boolean first) {
            return (part.ordinal() * 3 + mapped.ordinal()) * 4 + (skip ? 1 : 0) + (first ? 2 : 0);
        }

        /** Of a mapping that begins. */
        static Turn first(Direction mapped, boolean skip) {
            return ALL[index(mapped, mapped, skip, true)];
        }

        /** Of a mapping that lives. */
        static Turn of(Direction part, Direction mapped) {
            return ALL[index(part, mapped, false, false)];
        }
    }

    void give(Lines lines, Holder holder, long from, long to, Turn turn) {
        Direction part = turn.part();
        Direction mapped = turn.mapped();
        boolean skip = turn.skip();
        boolean cached = isCached(holder);
        CacheOperation operation = cached ? flavour.forDevice(part) : CacheOperation.NONE;
        long requested = 0;
        long executed = 0;
        long writeNanos = 0;
        long invalidateNanos = 0;
        Walk walk = lines.walk();
        walk.range(from, to);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                long bit = region.bit(i, holder);
                // A buffer can have a line twice: what it owns then, it was given by this.
                boolean owned = !turn.first() && ((region.readers(i) | region.writers(i)) & bit) != 0;
                boolean cut = walk.isCut(i);
                int first = walk.first(i);
                int end = walk.end(i);
                long bytes = bytes(first, end);
                requested += bytes;
                if (!skip && !cut) checkWriters(lines, holder, region, i, mapped, first, end);
                if (cached) {
                    Harm harm = lines.harm().about(from, to);
                    if (owned && !cut && !skip && part.deviceWrites() && (region.wrote(i) & bit) != 0
                            && executor.isUnfetched(lines, first, end, harm))
                        blame.unfetched(lines, holder, harm, true);
                    // Who gives what the device has says that the CPU has written it, whether it was allowed to or not.
                    boolean dirty = region.mayBeDirty(i) || (owned && region.hasUnseenWriters());
                    if (skip) {
                        region.noteSkipped(i, bit);
                    } else {
                        if (dirty) {
                            long owners = region.writers(i) & ~region.coherent(i);
                            if (operation.writesBack())
                                writeNanos += writeBack(lines, region, i, first, end, holder, owners);
                            if (operation.invalidates())
                                invalidateNanos += drop(lines, region, i, first, end, holder);
                            executed += bytes;
                        }
                        region.forgetSkipped(i);
                    }
                    if (!owned && !cut && (region.wrote(i) & bit) != 0
                            && executor.isUnfetched(lines, first, end, harm.cleared()))
                        blame.unfetched(lines, holder, harm, false);
                }
                region.own(i, bit, mapped);
            }
            walk.close();
        }
        lines.counters().transfer(!cached);
        if (!cached) return;
        int first = lines.lineAt(from);
        int end = lines.lineAt(to - 1) + 1;
        if (operation.writesBack()) books.writeBack(lines, holder, first, end, requested, executed, writeNanos);
        if (operation.invalidates()) books.invalidate(lines, holder, first, end, requested, executed, invalidateNanos);
    }

    /** Several devices may write what they share with each other; the kernel's DMA debugging reports them all the same. */
    private void checkWriters(Lines lines, Holder holder, Region region, int interval, Direction mapped, int first,
            int end) {
        if (!mapped.deviceWrites()) return;
        for (long rest = region.writers(interval); rest != 0; rest &= rest - 1) {
            Holder other = region.holder(interval, rest);
            if (other.device().equals(holder.device()) || !(isCached(holder) || isCached(other))) continue;
            blame.lines(Rule.D17_OVERLAPPING_WRITES, lines, holder, first, end,
                    other.device() + " may still write them, which is right only if the two take turns");
            return;
        }
    }

    private long writeBack(Lines lines, Region region, int interval, int first, int end, @Nullable Holder holder,
            long owners) {
        Harm harm = lines.harm().cleared();
        long began = System.nanoTime();
        executor.writeBack(lines, first, end, harm);
        long nanos = System.nanoTime() - began;
        blame.writtenOver(lines, region, interval, holder, owners, harm);
        region.setCpu(interval, region.cpu(interval).writtenBack());
        forgetSnoopers(region, interval);
        return nanos;
    }

    /** What devices that snoop have written is in memory. */
    private static void forgetSnoopers(Region region, int interval) {
        long rest = region.wrote(interval) & region.coherent(interval);
        for (; rest != 0; rest &= rest - 1) {
            if (region.holder(interval, rest).copy() == null) region.forgetWrote(interval, Long.lowestOneBit(rest));
        }
    }

    /** Invalidates before a device's turn. */
    private long drop(Lines lines, Region region, int interval, int first, int end, Holder holder) {
        Harm harm = lines.harm().cleared();
        long began = System.nanoTime();
        executor.invalidate(lines, first, end, harm);
        long nanos = System.nanoTime() - began;
        blame.droppedBefore(lines, holder, harm);
        region.setCpu(interval, LineState.CLEAN);
        region.forgetWrote(interval, ~region.coherent(interval));
        return nanos;
    }

    // ---- back from a device

    /**
     * @param skip whether the caller says that no cache operation is needed
     * @param ends whether the mapping ends with it
     * @return whether the holder had none of them
     */
    boolean take(Lines lines, Holder holder, long from, long to, Direction part, boolean skip, boolean ends) {
        boolean cached = isCached(holder);
        boolean invalidates = cached && flavour.forCpu(part).invalidates();
        // What went through the caches is there; a copy is copied back only where the device was to write.
        boolean comesBack = !cached && (holder.copy() == null || (part.deviceWrites() && !skip));
        long requested = 0;
        long executed = 0;
        long nanos = 0;
        boolean redundant = true;
        Walk walk = lines.walk();
        walk.range(from, to);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                long bit = region.bit(i, holder);
                boolean had = ((region.readers(i) | region.writers(i)) & bit) != 0;
                boolean lent = (region.lent(i) & bit) != 0;
                redundant &= !had && !lent;
                int first = walk.first(i);
                int end = walk.end(i);
                requested += bytes(first, end);
                boolean fetched = false;
                lines.harm().about(from, to);
                if (invalidates && !skip && region.mayBeStale(i)) {
                    nanos += fetch(lines, region, i, first, end, holder, had);
                    executed += bytes(first, end);
                    fetched = true;
                } else if (cached && !skip && had) {
                    checkReturned(lines, region, i, first, end, holder);
                } else if (invalidates && !skip && !lent) {
                    executor.wouldLose(lines, first, end, lines.harm());
                    blame.dropped(lines, region, i, holder, false, lines.harm());
                }
                if (comesBack && !walk.isCut(i)) region.forgetWrote(i, bit);
                leaveBehind(region, i, bit, cached, fetched);
                boolean keeps = !ends && walk.isCut(i) && (had || (region.kept(i) & bit) != 0);
                region.disown(i, bit);
                if (keeps) region.keep(i, bit);
                region.settle(i);
            }
            walk.close();
        }
        lines.counters().transfer(!cached);
        if (invalidates) {
            books.invalidate(lines, holder, lines.lineAt(from), lines.lineAt(to - 1) + 1, requested, executed, nanos);
        }
        return redundant;
    }

    /** What a holder who may write leaves in caches or memory, when it may no more. */
    private static void leaveBehind(Region region, int interval, long bit, boolean cached, boolean fetched) {
        if ((region.writers(interval) & bit) == 0 || fetched) return;
        LineState state = region.cpu(interval);
        region.setCpu(interval, cached ? state.outdated() : state.dirtied());
    }

    /** Drops what the caches have of lines that a device may have written: the CPU sees then what is in memory. */
    private long fetch(Lines lines, Region region, int interval, int first, int end, @Nullable Holder holder,
            boolean had) {
        Harm harm = lines.harm().cleared();
        long began = System.nanoTime();
        executor.invalidate(lines, first, end, harm);
        long nanos = System.nanoTime() - began;
        blame.dropped(lines, region, interval, holder, had, harm);
        region.setCpu(interval, LineState.CLEAN);
        region.forgetWrote(interval, ~region.coherent(interval));
        return nanos;
    }

    /** Nothing is to be done about lines that come back, but the CPU must have left them alone. */
    private void checkReturned(Lines lines, Region region, int interval, int first, int end, Holder holder) {
        if (region.mayBeDirty(interval) || (region.skipped(interval) & region.bit(interval, holder)) != 0) return;
        executor.returned(lines, first, end, lines.harm());
        blame.returned(lines, holder, lines.harm());
    }

    /** A mapping has ended without the cache operation: whether a device has written what nobody fetched. */
    void checkUnfetched(Lines lines, Holder holder) {
        if (!isCached(holder) || lines.count() == 0) return;
        Harm harm = lines.harm().about(0, lines.runs().bytes());
        Walk walk = lines.walk();
        walk.begin(0, lines.count());
        while (walk.nextRegion(false)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                if ((region.wrote(i) & region.bit(i, holder)) == 0
                        || !executor.isUnfetched(lines, walk.first(i), walk.end(i), harm))
                    continue;
                blame.unfetched(lines, holder, harm, false);
                return;
            }
        }
    }

    // ---- accesses of the CPU

    /** The CPU borrows lines from whoever owns them; a direction to the device means that it writes. */
    void borrow(Lines lines, long from, long to, Direction direction) {
        boolean invalidates = flavour.forCpu(direction).invalidates();
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        Walk walk = lines.walk();
        walk.range(from, to);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                int first = walk.first(i);
                int end = walk.end(i);
                long owners = (region.readers(i) | region.writers(i)) & ~region.coherent(i);
                boolean stale = region.mayBeStale(i);
                if (invalidates && (stale || owners != 0)) requested += bytes(first, end);
                boolean fetched = invalidates && stale && isFetched(lines, region, i, first, end);
                if (fetched) {
                    lines.harm().about(from, to);
                    nanos += fetch(lines, region, i, first, end, owners == 0 ? null : region.holder(i, owners),
                            owners != 0);
                    executed += bytes(first, end);
                }
                if (!fetched && (region.writers(i) & ~region.coherent(i)) != 0)
                    region.setCpu(i, region.cpu(i).outdated());
                if ((region.writers(i) & region.coherent(i)) != 0) region.setCpu(i, region.cpu(i).dirtied());
                if (walk.isCut(i)) region.keep(i, region.readers(i) | region.writers(i));
                region.lend(i, direction.deviceReads());
                region.settle(i);
            }
            walk.close();
        }
        books.invalidate(lines, null, lines.lineAt(from), lines.lineAt(to - 1) + 1, requested, executed, nanos);
    }

    /**
     * Whether what the caches have is dropped for an access: not what another one has written that is open, nor, where memory
     * is known to be no newer, what a device that snoops, or a copy, has left in them.
     */
    private boolean isFetched(Lines lines, Region region, int interval, int first, int end) {
        if (region.isLentToWrite(interval)) return false;
        // One who does not tell may have written in the time of a device that is mapped and does nothing.
        boolean untold = executor.plays() && region.hasUnseenWriters();
        return !(region.mayBeDirty(interval) || untold)
                || executor.isUnfetched(lines, first, end,
                        lines.harm().about(lines.position(first), lines.endPosition(end - 1)));
    }

    /** Ends what {@link #borrow} began: with the last access, those who had lines own them again. */
    void giveBack(Lines lines, long from, long to, Direction direction) {
        boolean wrote = direction.deviceReads();
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        Walk walk = lines.walk();
        walk.range(from, to);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                if (wrote) region.setCpu(i, region.cpu(i).dirtied());
                if (!region.giveBack(i, wrote)) continue;
                // Also those who got the line in the middle of the access: it is synced for whoever has it now.
                long kept = region.kept(i);
                long owners = (region.readers(i) | region.writers(i) | kept) & ~region.coherent(i);
                if (owners == 0 || flavour == Flavour.COHERENT) continue;
                int first = walk.first(i);
                int end = walk.end(i);
                requested += bytes(first, end);
                if (!region.cpu(i).mayBeDirty()) continue;
                lines.harm().about(from, to);
                nanos += writeBack(lines, region, i, first, end, null, 0);
                executed += bytes(first, end);
                region.forgetSkipped(i);
                if ((owners & ~kept) == 0) region.settle(i);
            }
            walk.close();
        }
        books.writeBack(lines, null, lines.lineAt(from), lines.lineAt(to - 1) + 1, requested, executed, nanos);
    }

    private static long bytes(int first, int end) {
        return (long) (end - first) * Lines.LINE;
    }
}
