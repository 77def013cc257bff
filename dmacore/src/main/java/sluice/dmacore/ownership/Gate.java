package sluice.dmacore.ownership;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.trace.TraceSink;

/**
 * The one way by which lines change owners. It decides what the caches have to do, has it done at most once per line and
 * change of ownership, counts what was requested, done and skipped, and reports what is against the rules.
 *
 * <p>All devices that do not snoop see one memory: what was written back for one of them is there for all. Ranges are bytes of
 * the buffer, {@code from} and {@code length} inside of it; whole lines change owners.
 *
 * <p>Any thread may call; buffers that share no line do not wait for each other. In steady state nothing is allocated.
 */
public final class Gate {
    /** Attachments that may share a line. */
    public static final int MOST_HOLDERS = Holders.MOST;

    private final Flavour flavour;
    private final CacheExecutor executor;
    private final Findings findings;
    private final Bookkeeping books;

    public Gate(Flavour flavour, CacheExecutor executor, Findings findings, TraceSink trace) {
        this.flavour = flavour;
        this.executor = executor;
        this.findings = findings;
        books = new Bookkeeping(trace);
    }

    /** Whether caches stand between the CPU and a holder. */
    public boolean isCached(Holder holder) {
        return !holder.coherent() && flavour != Flavour.COHERENT;
    }

    /**
     * Lets a holder own lines from now on.
     *
     * @return false if 64 others share one of the lines; nothing is changed then
     */
    public boolean join(Lines lines, Holder holder) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            Walk walk = lines.walk();
            walk.begin(0, lines.count());
            while (walk.nextRegion(false)) {
                for (int i = walk.interval(); i < walk.end(); i++) {
                    if (!walk.region().hasRoom(i, holder)) return false;
                }
            }
            walk.begin(0, lines.count());
            while (walk.nextRegion(true)) {
                for (int i = walk.interval(); i < walk.end(); i++) walk.region().join(i, holder);
                walk.close();
            }
            if (isCached(holder)) executor.covered(lines);
            return true;
        } finally {
            group.unlock();
        }
    }

    /** Whether one more holder could {@link #join}. */
    public boolean hasRoom(Lines lines) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            Walk walk = lines.walk();
            walk.begin(0, lines.count());
            while (walk.nextRegion(false)) {
                for (int i = walk.interval(); i < walk.end(); i++) {
                    if (walk.region().isFull(i)) return false;
                }
            }
            return true;
        } finally {
            group.unlock();
        }
    }

    /** Takes everything from a holder, without any cache operation. */
    public void leave(Lines lines, Holder holder) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            if (isCached(holder)) executor.uncovered(lines);
            Walk walk = lines.walk();
            walk.begin(0, lines.count());
            while (walk.nextRegion(true)) {
                for (int i = walk.interval(); i < walk.end(); i++) walk.region().leave(i, holder);
                walk.close();
            }
        } finally {
            group.unlock();
        }
    }

    /**
     * Gives lines to a device.
     *
     * @param skip whether the caller says that no cache operation is needed
     */
    public void forDevice(Lines lines, Holder holder, long from, long length, Direction direction, boolean skip) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            give(lines, holder, lines.lineAt(from), lines.lineAt(from + length - 1) + 1, direction, skip);
        } finally {
            group.unlock();
        }
    }

    private void give(Lines lines, Holder holder, int first, int end, Direction direction, boolean skip) {
        boolean cached = isCached(holder);
        CacheOperation operation = cached ? flavour.forDevice(direction) : CacheOperation.NONE;
        boolean writesBack = operation.writesBack();
        boolean invalidates = operation.invalidates();
        long executed = 0;
        long writeNanos = 0;
        long invalidateNanos = 0;
        Walk walk = lines.walk();
        walk.begin(first, end);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                long bit = region.bit(i, holder);
                // While a device that snoops may write, the caches may be newer than memory.
                boolean written = (region.writers(i) & region.coherent(i)) != 0;
                LineState state = cached && written ? LineState.DIRTY : region.cpu(i);
                checkOthers(lines, holder, walk, i, bit, direction, state);
                if (cached) {
                    if (state.mayBeDirty() && !skip) {
                        if (writesBack) writeNanos += writeBack(lines, walk.first(i), walk.end(i));
                        if (invalidates) invalidateNanos += invalidate(lines, walk.first(i), walk.end(i), false);
                        executed += bytes(walk.first(i), walk.end(i));
                        region.setCpu(i, LineState.CLEAN);
                    } else if (state == LineState.DIRTY) {
                        find(Rule.SKIPPED_WHILE_DIRTY, lines, holder, walk.first(i), walk.end(i),
                                "what the CPU wrote does not reach the device");
                    }
                    if (direction.deviceWrites()) region.setCpu(i, LineState.STALE);
                }
                region.own(i, bit, direction);
            }
            walk.close();
        }
        lines.counters().transfer(!cached);
        if (!cached) return;
        long requested = bytes(first, end);
        if (writesBack) books.writeBack(lines, holder, first, end, requested, executed, writeNanos);
        if (invalidates) books.invalidate(lines, holder, first, end, requested, executed, invalidateNanos);
    }

    private void checkOthers(Lines lines, Holder holder, Walk walk, int interval, long bit, Direction direction,
            LineState state) {
        Region region = walk.region();
        long otherWriters = region.writers(interval) & ~bit;
        if (direction.deviceWrites() && otherWriters != 0) {
            find(Rule.D17_OVERLAPPING_WRITES, lines, holder, walk.first(interval), walk.end(interval),
                    region.holder(interval, otherWriters).device() + " may still write them");
        }
        if (region.lent(interval) != 0) {
            find(Rule.CPU_ACCESS_OPEN, lines, holder, walk.first(interval), walk.end(interval),
                    "given to a device in the middle of a CPU access");
        }
        if (!isCached(holder) && state.mayBeStale() && direction.deviceReads()) {
            find(Rule.MISSING_SYNC_FOR_CPU, lines, holder, walk.first(interval), walk.end(interval),
                    "a device that does not snoop had them to write, and the caches were not told");
        }
    }

    /** Takes lines back from a device. */
    public void forCpu(Lines lines, Holder holder, long from, long length, Direction direction) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            int first = lines.lineAt(from);
            int end = lines.lineAt(from + length - 1) + 1;
            if (take(lines, holder, first, end, direction, false))
                find(Rule.REDUNDANT_SYNC, lines, holder, first, end, "the CPU had them already");
        } finally {
            group.unlock();
        }
    }

    /**
     * Takes all lines back from a device whose mapping ends.
     *
     * @param skip whether the caller says that no cache operation is needed
     */
    public void end(Lines lines, Holder holder, Direction direction, boolean skip) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            take(lines, holder, 0, lines.count(), direction, skip);
        } finally {
            group.unlock();
        }
    }

    /** Returns whether the holder had none of them. */
    private boolean take(Lines lines, Holder holder, int first, int end, Direction direction, boolean skip) {
        boolean cached = isCached(holder);
        boolean invalidates = cached && flavour.forCpu(direction).invalidates();
        long executed = 0;
        long nanos = 0;
        boolean redundant = true;
        Walk walk = lines.walk();
        walk.begin(first, end);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                long bit = region.bit(i, holder);
                boolean had = ((region.readers(i) | region.writers(i)) & bit) != 0;
                redundant &= !had && (region.lent(i) & bit) == 0;
                if (invalidates && !skip && region.cpu(i).mayBeStale()) {
                    nanos += invalidate(lines, walk.first(i), walk.end(i), true);
                    executed += bytes(walk.first(i), walk.end(i));
                    region.setCpu(i, LineState.CLEAN);
                } else if (cached && !skip) {
                    if (had) {
                        checkReturned(lines, walk, i);
                    } else if (invalidates && (region.lent(i) & bit) == 0) {
                        checkLoss(lines, holder, walk, i);
                    }
                }
                if (!cached && (region.writers(i) & bit) != 0) region.setCpu(i, LineState.DIRTY);
                region.disown(i, bit);
                region.settle(i);
            }
            walk.close();
        }
        lines.counters().transfer(!cached);
        if (invalidates) books.invalidate(lines, holder, first, end, bytes(first, end), executed, nanos);
        return redundant;
    }

    /** Nothing is to be done about lines that come back, but the CPU must have left them alone. */
    private void checkReturned(Lines lines, Walk walk, int interval) {
        Region region = walk.region();
        boolean othersWrite = (region.writers(interval) & region.coherent(interval)) != 0;
        if (!othersWrite && !region.cpu(interval).mayBeDirty())
            executor.returned(lines, walk.first(interval), walk.end(interval));
    }

    /** Hardware would drop lines that are not the holder's, too. */
    private void checkLoss(Lines lines, Holder holder, Walk walk, int interval) {
        LineState state = walk.region().cpu(interval);
        int first = walk.first(interval);
        int end = walk.end(interval);
        if (state == LineState.DIRTY || (state.mayBeDirty() && executor.wouldLose(lines, first, end)))
            find(Rule.CPU_WRITES_LOST, lines, holder, first, end,
                    "written by the CPU, and dropped from its caches by this");
    }

    /** The CPU borrows lines from whoever owns them; a direction to the device means that it writes. */
    public void beginCpuAccess(Lines lines, long from, long length, Direction direction) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            borrow(lines, lines.lineAt(from), lines.lineAt(from + length - 1) + 1, direction);
        } finally {
            group.unlock();
        }
    }

    private void borrow(Lines lines, int first, int end, Direction direction) {
        boolean invalidates = flavour.forCpu(direction).invalidates();
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        Walk walk = lines.walk();
        walk.begin(first, end);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                boolean stale = region.cpu(i).mayBeStale();
                boolean fromCached = ((region.readers(i) | region.writers(i)) & ~region.coherent(i)) != 0;
                if (invalidates && (stale || fromCached)) requested += bytes(walk.first(i), walk.end(i));
                if (invalidates && stale) {
                    nanos += invalidate(lines, walk.first(i), walk.end(i), true);
                    executed += bytes(walk.first(i), walk.end(i));
                    region.setCpu(i, LineState.CLEAN);
                }
                if ((region.writers(i) & region.coherent(i)) != 0) region.setCpu(i, LineState.DIRTY);
                region.lend(i);
                region.settle(i);
            }
            walk.close();
        }
        books.invalidate(lines, null, first, end, requested, executed, nanos);
    }

    /**
     * An access of the CPU ends. Lines that no other access has, through whichever buffer, are given back: those who had them
     * own them again. What was written is known from now on in any case.
     *
     * @param from as at its begin, and so are the length and the direction
     */
    public void endCpuAccess(Lines lines, long from, long length, Direction direction) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            giveBack(lines, lines.lineAt(from), lines.lineAt(from + length - 1) + 1, direction);
        } finally {
            group.unlock();
        }
    }

    private void giveBack(Lines lines, int first, int end, Direction direction) {
        long executed = 0;
        long requested = 0;
        long nanos = 0;
        Walk walk = lines.walk();
        walk.begin(first, end);
        while (walk.nextRegion(true)) {
            Region region = walk.region();
            for (int i = walk.interval(); i < walk.end(); i++) {
                if (direction.deviceReads()) region.setCpu(i, LineState.DIRTY);
                if (!region.giveBack(i)) continue;
                // Also those who got the line in the middle of the access: it is synced for whoever has it now.
                long writers = region.writers(i) & ~region.coherent(i);
                long cached = (region.readers(i) & ~region.coherent(i)) | writers;
                if (cached != 0 && flavour != Flavour.COHERENT) {
                    requested += bytes(walk.first(i), walk.end(i));
                    if (region.cpu(i).mayBeDirty()) {
                        nanos += writeBack(lines, walk.first(i), walk.end(i));
                        executed += bytes(walk.first(i), walk.end(i));
                        region.setCpu(i, LineState.CLEAN);
                    }
                    if (writers != 0) region.setCpu(i, LineState.STALE);
                }
            }
            walk.close();
        }
        books.writeBack(lines, null, first, end, requested, executed, nanos);
    }

    /**
     * A device reads or writes: whether it may.
     *
     * @return false if it does not own all of the range; that is a finding already
     */
    public boolean deviceAccess(Lines lines, Holder holder, long from, long length, boolean write) {
        if (length == 0) return true;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            int first = lines.lineAt(from);
            int end = lines.lineAt(from + length - 1) + 1;
            if (isCached(holder)) executor.deviceAccess(lines, first, end, write);
            Walk walk = lines.walk();
            walk.begin(first, end);
            while (walk.nextRegion(false)) {
                Region region = walk.region();
                for (int i = walk.interval(); i < walk.end(); i++) {
                    long bit = region.bit(i, holder);
                    if (((write ? region.writers(i) : region.readers(i)) & bit) != 0) continue;
                    boolean otherWay = ((region.writers(i) | region.readers(i)) & bit) != 0;
                    find(otherWay ? Rule.DEVICE_AGAINST_DIRECTION : Rule.MISSING_SYNC_FOR_DEVICE, lines, holder,
                            walk.first(i), walk.end(i), (write ? "written by the device" : "read by the device")
                                    + (otherWay ? ", and given to it for the other way" : " while the CPU owns them"));
                    return false;
                }
            }
            return true;
        } finally {
            group.unlock();
        }
    }

    private long writeBack(Lines lines, int first, int end) {
        long began = System.nanoTime();
        executor.writeBack(lines, first, end);
        return System.nanoTime() - began;
    }

    private long invalidate(Lines lines, int first, int end, boolean afterDevice) {
        long began = System.nanoTime();
        executor.invalidate(lines, first, end, afterDevice);
        return System.nanoTime() - began;
    }

    private static long bytes(int first, int end) {
        return (long) (end - first) * Lines.LINE;
    }

    private void find(Rule rule, Lines lines, Holder holder, int first, int end, String what) {
        long from = lines.position(first);
        findings.add(rule, new Subject(holder.device(), holder.number(), lines.buffer(), lines.number()), from,
                lines.endPosition(end - 1) - from, what);
    }
}
