package sluice.dmacore.ownership;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
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
        give(lines, holder, from, length, direction, direction, true, skip);
    }

    /**
     * Gives lines to a device that has them mapped.
     *
     * @param part what the transfer is for: decides the cache operation
     * @param mapped what the mapping is for: decides what the device may do from then on
     */
    public void syncForDevice(Lines lines, Holder holder, long from, long length, Direction part, Direction mapped) {
        give(lines, holder, from, length, part, mapped, false, false);
    }

    private void give(Lines lines, Holder holder, long from, long length, Direction part, Direction mapped,
            boolean begins, boolean skip) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.give(lines.walk().transfer(from, from + length), holder, part, mapped, begins, skip);
        } finally {
            group.unlock();
        }
    }

    /** Takes lines back from a device; a hint if it has none of them. */
    public void forCpu(Lines lines, Holder holder, long from, long length, Direction part) {
        if (length == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            if (handOver.take(lines.walk().transfer(from, from + length), holder, part, false, false)) {
                blame.lines(Rule.REDUNDANT_SYNC, lines, holder, lines.lineAt(from), lines.lineAt(from + length - 1) + 1,
                        "the CPU had them already");
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
     * own them again. What was written is known from now on in any case.
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
    public boolean deviceAccess(Lines lines, Holder holder, long from, long length, boolean write, boolean done) {
        if (length == 0) return true;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            return accesses.device(lines, holder, from, from + length, write, done);
        } finally {
            group.unlock();
        }
    }
}
