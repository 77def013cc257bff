package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * Judges each access that can be seen: whether it is the device's turn, and, where caches, memory and copies of a buffer are
 * played, whether the bytes are the newest. The lines' group is locked. Ranges are bytes {@code from} to {@code to} − 1.
 */
final class Accesses {
    private final HandOver handOver;
    private final CacheExecutor executor;
    private final Blame blame;

    Accesses(HandOver handOver, CacheExecutor executor, Blame blame) {
        this.handOver = handOver;
        this.executor = executor;
        this.blame = blame;
    }

    /** A device reads or writes; returns whether it may, and what it reads is the newest. */
    boolean device(Lines lines, Holder holder, long from, long to, boolean write, boolean done) {
        boolean good = true;
        Walk walk = lines.walk();
        walk.begin(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        while (walk.nextRegion(false)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                boolean mine = checkTurn(lines, holder, walk, i, write);
                good &= mine;
                if (!done) continue;
                if (write) region.noteWrote(i, region.bit(i, holder));
                good &= !mine || (!region.isShared(i) || isNewest(lines, holder, walk, i, from, to, write));
                if (!mine && region.isShared(i)) play(lines, holder, walk, i, write, harm(lines, walk, i, from, to));
            }
        }
        return good;
    }

    /** The part of a range that lies in an interval. */
    private static Harm harm(Lines lines, Walk walk, int interval, long from, long to) {
        return lines.harm().about(Math.max(from, lines.position(walk.first(interval))),
                Math.min(to, lines.endPosition(walk.end(interval) - 1)));
    }

    /** Whether it is a device's turn with an interval; if it is not, that is a finding. */
    private boolean checkTurn(Lines lines, Holder holder, Walk walk, int interval, boolean write) {
        Region region = walk.region();
        long bit = region.bit(interval, holder);
        long may = write ? region.writers(interval) : region.readers(interval);
        boolean lentToWrite = region.isLentToWrite(interval);
        if (!write && !lentToWrite) may |= region.lentReaders(interval);
        // A line of which it has the rest, and the CPU a part.
        if ((region.kept(interval) & bit) != 0) return true;
        if ((may & bit) != 0) {
            if (!region.isLent(interval) || !(write || lentToWrite)) return true;
            blame.lines(Rule.CPU_ACCESS_OPEN, lines, holder, walk.first(interval), walk.end(interval),
                    write
                            ? "written by the device in the middle of a CPU access"
                            : "read by the device in the middle of a CPU access that writes");
            return false;
        }
        // What it has, and not for this, is mapped for the other way: who knows the mapping has told.
        if (((region.writers(interval) | region.readers(interval)) & bit) != 0) return false;
        blame.lines(Rule.MISSING_SYNC_FOR_DEVICE, lines, holder, walk.first(interval), walk.end(interval),
                (write ? "written by the device" : "read by the device") + " while the CPU owns them");
        return false;
    }

    /** Has an access played, and says whether it reads the newest bytes; if it does not, that is a finding. */
    private boolean isNewest(Lines lines, Holder holder, Walk walk, int interval, long from, long to, boolean write) {
        Region region = walk.region();
        Harm harm = harm(lines, walk, interval, from, to);
        play(lines, holder, walk, interval, write, harm);
        boolean newest = !harm.isInside();
        if (!newest) {
            if (holder.copy() != null || handOver.isCached(holder)) {
                blame.deviceReadOld(lines, region, interval, holder, region.bit(interval, holder), harm);
            } else {
                blame.cacheReadOld(lines, region, interval, holder, harm);
            }
        }
        if (!isNewerInCopies(lines, holder, walk, interval, write, harm.cleared())) return newest;
        blame.cacheReadOld(lines, region, interval, holder, harm);
        return false;
    }

    private void play(Lines lines, Holder holder, Walk walk, int interval, boolean write, Harm harm) {
        int first = walk.first(interval);
        int end = walk.end(interval);
        DeviceCopy copy = holder.copy();
        if (copy != null) {
            copy.deviceAccess(write, harm);
            // It has been copied from what the caches held.
            if (!write && !harm.isInside()) executor.cacheAccess(lines, first, end, false, harm);
        } else if (handOver.isCached(holder)) {
            executor.deviceAccess(lines, first, end, write, harm);
        } else {
            executor.cacheAccess(lines, first, end, write, harm);
        }
    }

    /** The CPU reads or writes, and tells; for somebody's copy, which is left out, or null. */
    void cpu(Lines lines, @Nullable Holder copying, long from, long to, boolean write) {
        Walk walk = lines.walk();
        walk.begin(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        while (walk.nextRegion(false)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                if (!region.isShared(i)) continue;
                Harm harm = harm(lines, walk, i, from, to);
                executor.cacheAccess(lines, walk.first(i), walk.end(i), write, harm);
                if (harm.isInside()) blame.cacheReadOld(lines, region, i, null, harm);
                if (isNewerInCopies(lines, copying, walk, i, write, harm.cleared()))
                    blame.cacheReadOld(lines, region, i, null, harm);
            }
        }
    }

    /** Tells the copies that others use of an interval; returns whether one holds newer bytes of what is read. */
    private static boolean isNewerInCopies(Lines lines, @Nullable Holder holder, Walk walk, int interval,
            boolean write, Harm harm) {
        Region region = walk.region();
        for (long rest = region.wrote(interval); rest != 0; rest &= rest - 1) {
            Holder other = region.holder(interval, rest);
            DeviceCopy copy = other.copy();
            if (copy == null || other.equals(holder)) continue;
            lines.forEachStretch(walk.first(interval), walk.end(interval),
                    (file, offset, bytes, line) -> copy.bufferAccess(file, offset, bytes, line, write, harm));
        }
        return harm.isInside();
    }
}
