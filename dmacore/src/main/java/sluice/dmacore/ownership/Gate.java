package sluice.dmacore.ownership;

import java.util.List;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.TraceSink;

/**
 * The single place where lines change owners. It selects the cache operations, performs each at most once per line and
 * change of ownership, counts requested, executed and skipped operations, and reports violations of the rules.
 *
 * <p>All non-snooping devices share one memory: data written back for one of them is visible to all. Ranges are in
 * bytes of the buffer; whole lines change owners.
 *
 * <p>Thread-safe; buffers that share no line do not wait for each other. Allocates nothing in steady state.
 */
public final class Gate {
    /** Limit of attachments that share a line. */
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

    /** Whether a holder needs cache maintenance. */
    public boolean isCached(Holder holder) {
        return handOver.isCached(holder);
    }

    /** The memory of a buffer as a cached or uncached holder sees it; the same runs each time, in buffer order. */
    public Runs memoryOf(Lines lines, Holder holder) {
        return isCached(holder) ? executor.deviceMemory(lines) : lines.runs();
    }

    /** Whether a transfer of this direction needs an invalidation, which the executor does not support. */
    public boolean lacksInvalidation(Holder holder, Direction direction) {
        return isCached(holder) && direction.deviceWrites() && !executor.invalidates();
    }

    /**
     * Joins a holder to lines, which it may then own.
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

    /** Removes a holder, without cache operations. */
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
     * Transfers lines to a device that maps them, in the direction of its mapping.
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
     * Transfers rows to a device that has them mapped.
     *
     * @param part direction of the transfer: selects the cache operation
     * @param mapped direction of the mapping: determines the device's permission afterwards
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
     * {@link #syncForDevice} and {@link #deviceAccess} in one step, for a device that accesses the rows at once.
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

    /** Transfers rows to the CPU; a hint for each row that the device does not own. */
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
     * Transfers all lines to the CPU at the end of a mapping.
     *
     * @param skip whether the caller skips cache operations; a hint if this loses the device's writes
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

    /** Returns all lines of a discarded mapping: without cache operations and findings. */
    public void discard(Lines lines, Holder holder, Direction direction) {
        if (lines.count() == 0) return;
        AliasGroup group = AliasGroup.lock(lines);
        try {
            handOver.take(lines.walk().transfer(0, lines.runs().bytes()), holder, direction, true, true);
        } finally {
            group.unlock();
        }
    }

    /**
     * The owners of a buffer's ranges, for a reader who looks on.
     *
     * @param most number of ranges, from the front
     */
    public List<OwnedRange> owners(Lines lines, int most) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            return OwnedRange.of(lines, most);
        } finally {
            group.unlock();
        }
    }

    /** A CPU access begins: borrows lines from their owners; a direction to the device means that it writes. */
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
     * A CPU access ends. Lines without other accesses, through any buffer, return to their owners. Written bytes are
     * recorded in any case, and are in memory if a device of this buffer needs them there.
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

    /** The CPU is about to read or write; reading bytes that are newer at a device is a finding. */
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
     * A range of the buffer is about to be overwritten by a holder's bounce buffer, including bytes that its device did
     * not write, so that writes of others must have been fetched before.
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
     * A device is about to read or write: checks ownership, and that it reads the newest bytes.
     *
     * @param done whether the access will happen; otherwise only ownership is checked
     * @return false on a violation; already reported, except an access against the mapping's direction
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
