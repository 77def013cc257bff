package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * Checks each visible access: ownership, and, where caches, memory and bounce buffers are modelled, whether the bytes
 * are the newest. The lines' group is locked. Ranges are bytes {@code from} to {@code to} − 1.
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

    /** A device reads or writes; returns whether it is permitted, and reads the newest bytes. */
    boolean device(Lines lines, Holder holder, long from, long to, boolean write, boolean done) {
        boolean good = true;
        Walk walk = lines.walk().look(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        while (walk.next()) {
            Region region = walk.region();
            int i = walk.interval();
            boolean mine = checkTurn(walk, holder, write);
            good &= mine;
            if (!done) continue;
            if (write) region.noteWrote(i, region.bit(i, holder));
            if (!region.isShared(i)) continue;
            Harm harm = harm(walk, from, to);
            play(walk, holder, write, harm);
            if (mine) {
                good &= isNewest(walk, holder, write, harm);
            } else if (write) {
                Copies.bufferAccess(walk, holder, true, harm.cleared());
            }
        }
        return good;
    }

    /** The part of a range in the current interval. */
    private static Harm harm(Walk walk, long from, long to) {
        Lines lines = walk.lines();
        return lines.harm().about(Math.max(from, lines.position(walk.first())),
                Math.min(to, lines.endPosition(walk.end() - 1)));
    }

    /** Whether a device owns an interval; if not, reports a finding. */
    private boolean checkTurn(Walk walk, Holder holder, boolean write) {
        Region region = walk.region();
        int i = walk.interval();
        long bit = region.bit(i, holder);
        long may = write ? region.writers(i) : region.readers(i);
        boolean lentToWrite = region.isLentToWrite(i);
        if (!write && !lentToWrite) may |= region.lentReaders(i);
        // A line of which the device owns the rest, and the CPU a part.
        if ((region.kept(i) & bit) != 0) return true;
        if ((may & bit) != 0) {
            if (!region.isLent(i) || !(write || lentToWrite)) return true;
            blame.lines(Rule.CPU_ACCESS_OPEN, walk.lines(), holder, walk.first(), walk.end(),
                    write
                            ? "written by the device in the middle of a CPU access"
                            : "read by the device in the middle of a CPU access that writes");
            return false;
        }
        // Owned, but mapped for the other direction: already reported by the mapping.
        if (((region.writers(i) | region.readers(i)) & bit) != 0) return false;
        blame.lines(Rule.MISSING_SYNC_FOR_DEVICE, walk.lines(), holder, walk.first(), walk.end(),
                (write ? "written by the device" : "read by the device") + " while the CPU owns them");
        return false;
    }

    /** Whether a modelled access has the newest bytes; if not, reports a finding. */
    private boolean isNewest(Walk walk, Holder holder, boolean write, Harm harm) {
        boolean newest = !harm.isInside();
        if (!newest) {
            if (holder.copy() != null || handOver.isCached(holder)) {
                blame.deviceReadOld(walk, holder, harm);
            } else {
                blame.cacheReadOld(walk, holder, harm);
            }
        }
        if (!Copies.bufferAccess(walk, holder, write, harm.cleared())) return newest;
        blame.cacheReadOld(walk, holder, harm);
        return false;
    }

    private void play(Walk walk, Holder holder, boolean write, Harm harm) {
        DeviceCopy copy = holder.copy();
        if (copy != null) {
            copy.deviceAccess(write, harm);
            // It was copied from the cached bytes.
            if (!write) executor.cacheAccess(walk.lines(), walk.first(), walk.end(), false, harm);
        } else if (handOver.isCached(holder)) {
            executor.deviceAccess(walk.lines(), walk.first(), walk.end(), write, harm);
        } else {
            executor.cacheAccess(walk.lines(), walk.first(), walk.end(), write, harm);
        }
    }

    /** The CPU reads or writes, between begin and end. */
    void cpu(Lines lines, long from, long to, boolean write) {
        Walk walk = lines.walk().look(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        while (walk.next()) {
            if (walk.region().isShared(walk.interval())) cpu(walk, null, write, harm(walk, from, to));
        }
    }

    /**
     * A holder's bounce buffer is copied back to a range, through the caches, including lines that it no longer owns.
     */
    void copyBack(Lines lines, Holder holder, long from, long to) {
        Walk walk = lines.walk().change(lines.lineAt(from), lines.lineAt(to - 1) + 1);
        while (walk.next()) {
            cpu(walk, holder, false, harm(walk, from, to));
            cpu(walk, holder, true, lines.harm().cleared());
            Region region = walk.region();
            region.setCpu(walk.interval(), region.cpu(walk.interval()).dirtied());
        }
    }

    /** @param copying holder of the bounce buffer, or null */
    private void cpu(Walk walk, @Nullable Holder copying, boolean write, Harm harm) {
        executor.cacheAccess(walk.lines(), walk.first(), walk.end(), write, harm);
        if (harm.isInside()) blame.cacheReadOld(walk, null, harm);
        if (Copies.bufferAccess(walk, copying, write, harm.cleared())) blame.cacheReadOld(walk, null, harm);
    }
}
