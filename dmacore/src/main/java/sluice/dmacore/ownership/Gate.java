package sluice.dmacore.ownership;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
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

    private final CacheExecutor executor;
    private final Blame blame;
    private final HandOver handOver;
    private final Accesses accesses;

    public Gate(Flavour flavour, CacheExecutor executor, Findings findings, TraceSink trace) {
        this.executor = executor;
        blame = new Blame(findings);
        handOver = new HandOver(flavour, executor, blame, new Bookkeeping(trace));
        accesses = new Accesses(handOver, executor, blame);
    }

    /** Whether caches stand between the CPU and a holder. */
    public boolean isCached(Holder holder) {
        return handOver.isCached(holder);
    }

    /** The memory of a buffer as a holder sees it that is cached or not; the same runs each time, in the order of the buffer. */
    public Runs memoryOf(Lines lines, Holder holder) {
        return isCached(holder) ? executor.deviceMemory(lines) : lines.runs();
    }

    /** Whether a transfer of this direction to and from a holder needs what no executor here can do. */
    public boolean lacksInvalidation(Holder holder, Direction direction) {
        return isCached(holder) && direction.deviceWrites() && !executor.invalidates();
    }

    /**
     * Lets a holder own lines from now on.
     *
     * @return false if 64 others share one of the lines; nothing is changed then
     * @throws java.io.UncheckedIOException as {@link CacheExecutor#covered}; nothing is changed then either
     */
    public boolean join(Lines lines, Holder holder) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            Walk walk = lines.walk().look(0, lines.count());
            while (walk.next()) {
                if (!walk.region().hasRoom(walk.interval(), holder)) return false;
            }
            // What can fail comes first.
            if (isCached(holder)) executor.covered(lines);
            lines.holders().add(holder);
            walk.change(0, lines.count());
            while (walk.next())
                walk.region().join(walk.interval(), holder);
            return true;
        } finally {
            group.unlock();
        }
    }

    /** Whether one more holder could {@link #join}. */
    public boolean hasRoom(Lines lines) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            Walk walk = lines.walk().look(0, lines.count());
            while (walk.next()) {
                if (walk.region().isFull(walk.interval())) return false;
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
            lines.holders().remove(holder);
            Walk walk = lines.walk().change(0, lines.count());
            while (walk.next())
                walk.region().leave(walk.interval(), holder);
        } finally {
            group.unlock();
        }
    }

    /**
     * Gives lines to a device that maps them, for all that its mapping is for.
     *
     * @param skip whether the caller says that no cache operation is needed
     */
    public void forDevice(Lines lines, Holder holder, long from, long length, Direction direction, boolean skip) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.give(lines.walk().transfer(from, from + length), holder, direction, direction, true, skip);
        } finally {
            group.unlock();
        }
    }

    /**
     * Gives rows to a device that has them mapped.
     *
     * @param part what the transfer is for: decides the cache operation
     * @param mapped what the mapping is for: decides what the device may do from then on
     */
    public void syncForDevice(Lines lines, Holder holder, Rows rows, Direction part, Direction mapped) {
        if (rows.bytes() == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            give(lines, holder, rows, part, mapped);
        } finally {
            group.unlock();
        }
    }

    private void give(Lines lines, Holder holder, Rows rows, Direction part, Direction mapped) {
        for (long row = 0; row < rows.count(); row++) {
            long from = rows.offset(row);
            handOver.give(lines.walk().transfer(from, from + rows.rowBytes()), holder, part, mapped, false, false);
        }
    }

    /**
     * {@link #syncForDevice} for an access that the device makes at once, and is judged with it as by {@link #deviceAccess}: nothing
     * comes between the two.
     */
    public boolean syncForAccess(Lines lines, Holder holder, Rows rows, Direction part, Direction mapped,
            boolean write, boolean done) {
        if (rows.bytes() == 0) return true;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            give(lines, holder, rows, part, mapped);
            return access(lines, holder, rows, write, done);
        } finally {
            group.unlock();
        }
    }

    /** Takes rows back from a device; a hint for each of which it has nothing. */
    public void forCpu(Lines lines, Holder holder, Rows rows, Direction part) {
        if (rows.bytes() == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            for (long row = 0; row < rows.count(); row++) {
                long from = rows.offset(row);
                long to = from + rows.rowBytes();
                if (handOver.take(lines.walk().transfer(from, to), holder, part, false, false)) {
                    blame.lines(Rule.REDUNDANT_SYNC, lines, holder, lines.lineAt(from), lines.lineAt(to - 1) + 1,
                            "the CPU had them already");
                }
            }
        } finally {
            group.unlock();
        }
    }

    /**
     * Takes all lines back from a device whose mapping ends.
     *
     * @param skip whether the caller says that no cache operation is needed; a hint if what the device wrote is lost by that
     */
    public void end(Lines lines, Holder holder, Direction direction, boolean skip) {
        if (lines.count() == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            if (skip) handOver.checkUnfetched(lines, holder);
            handOver.take(lines.walk().transfer(0, lines.runs().bytes()), holder, direction, true, skip);
        } finally {
            group.unlock();
        }
    }

    /** Takes all lines back from a device whose mapping is forgotten: no byte moves, and nothing is a finding. */
    public void discard(Lines lines, Holder holder, Direction direction) {
        if (lines.count() == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.take(lines.walk().transfer(0, lines.runs().bytes()), holder, direction, true, true);
        } finally {
            group.unlock();
        }
    }

    /** The CPU borrows lines from whoever owns them; a direction to the device means that it writes. */
    public void beginCpuAccess(Lines lines, long from, long length, Direction direction) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.borrow(lines.walk().transfer(from, from + length), direction);
        } finally {
            group.unlock();
        }
    }

    /**
     * An access of the CPU ends. Lines that no other access has, through whichever buffer, are given back: those who had them
     * own them again. What was written is known from now on in any case, and in memory where a device of this buffer needs it there.
     *
     * @param from as at its begin, and so are the length and the direction
     */
    public void endCpuAccess(Lines lines, long from, long length, Direction direction) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.giveBack(lines.walk().transfer(from, from + length), direction);
        } finally {
            group.unlock();
        }
    }

    /** The CPU is about to read or write; reading what a device has newer is a finding. */
    public void cpuAccess(Lines lines, long from, long length, boolean write) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            accesses.cpu(lines, from, from + length, write);
        } finally {
            group.unlock();
        }
    }

    /**
     * A range of the buffer is about to be replaced by a holder's copy of it: also what its device has left alone, so that what
     * others wrote there must have been fetched before.
     */
    public void copyBack(Lines lines, Holder holder, long from, long length) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            accesses.copyBack(lines, holder, from, from + length);
        } finally {
            group.unlock();
        }
    }

    /**
     * A device is about to read or write: whether it may, and whether what it reads is the newest.
     *
     * @param done whether it gets there; otherwise only whether it may is asked
     * @return false if one of both is not so; that is a finding already, but for an access against the mapping's direction
     */
    public boolean deviceAccess(Lines lines, Holder holder, Rows rows, boolean write, boolean done) {
        if (rows.bytes() == 0) return true;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            return access(lines, holder, rows, write, done);
        } finally {
            group.unlock();
        }
    }

    private boolean access(Lines lines, Holder holder, Rows rows, boolean write, boolean done) {
        boolean good = true;
        for (long row = 0; row < rows.count(); row++) {
            long from = rows.offset(row);
            good &= accesses.device(lines, holder, from, from + rows.rowBytes(), write, done);
        }
        return good;
    }
}
