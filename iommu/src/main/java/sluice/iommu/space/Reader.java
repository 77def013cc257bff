package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.table.Entry;
import sluice.iommu.table.Table;

/**
 * Translates addresses for one thread. Results are valid until the end of the read section:
 *
 * <pre>
 * try (var _ = reader.enter()) {
 *     if (reader.translate(iova, length, Access.READ, runs) == Outcome.RESOLVED) ... use the runs
 * }
 * </pre>
 *
 * In a section the thread must not block, because an unmap waits for it. A translation takes no lock; an access that
 * faults or needs the slow path takes the space's lock briefly.
 */
public final class Reader implements AutoCloseable, DeviceView {
    private final ReadSection section;
    private final Table table;
    private final Unresolved unresolved;
    private final DelayBudget delays = new DelayBudget();
    private FaultContext context = FaultContext.NONE;
    private boolean exempt;
    private final Result result = new Result();

    Reader(ReadSection section, Table table, Unresolved unresolved) {
        this.section = section;
        this.table = table;
        this.unresolved = unresolved;
    }

    /** Makes it a reader of an observer instead of the device: rules do not apply. Returns itself. */
    public Reader exemptFromRules() {
        exempt = true;
        return this;
    }

    boolean isExempt() {
        return exempt;
    }

    ReadSection section() {
        return section;
    }

    DelayBudget delays() {
        return delays;
    }

    /**
     * Begins a section; it ends when the result is closed. Sections do not nest: the end of the inner would end both.
     */
    public ReadSection enter() {
        return section.enter();
    }

    /** Sets the context for fault records. */
    public void context(FaultContext doing) {
        context = doing;
    }

    FaultContext context() {
        return context;
    }

    /**
     * The target of one address on the fast path; otherwise {@link Targets#NONE}, and {@link #translate} gives the
     * reason. Reads the table only: {@link #translate} and {@link #revoked} check whether the section was revoked.
     */
    public long target(long iova, Access access) {
        assert section.inside() : "a translation outside of a read section";
        return table.target(iova, Entry.need(access));
    }

    /**
     * Appends the targets of [{@code iova}, {@code iova + length}) to {@code target}. Unless the outcome is {@link
     * Outcome#RESOLVED}, {@code target} is unchanged.
     *
     * @param length in bytes, unsigned; 0 resolves to nothing
     * @throws IllegalStateException outside of a section
     */
    @Override
    public Outcome translate(long iova, long length, Access access, TargetRuns target) {
        if (!section.inside()) throw new IllegalStateException("a translation outside of a read section");
        if (length == 0) return Outcome.RESOLVED;
        if (section.revoked()) {
            unresolved.revoked(this, iova, length, access);
            return result.outcome();
        }
        // Longer than any table: the end of the space is detected when it is reached.
        long wanted = length < 0 ? Long.MAX_VALUE : length;
        long need = Entry.need(access);
        long done = table.walk(iova, wanted, need, target);
        return done == wanted ? Outcome.RESOLVED : translateRest(iova, wanted, done, access, target);
    }

    private Outcome translateRest(long iova, long length, long doneBefore, Access access, TargetRuns target) {
        long before = target.bytes() - doneBefore;
        long done = doneBefore;
        while (done < length) {
            long step = unresolved.resolve(this, iova + done, length - done, access, target);
            if (step == 0) {
                target.cutBack(before);
                return result.outcome();
            }
            done += step;
            if (done < length) done += table.walk(iova + done, length - done, Entry.need(access), target);
        }
        return Outcome.RESOLVED;
    }

    /**
     * As {@link #translate}, for a device that needs one run: pages that are not contiguous are a fault. In a list that
     * is not empty the last run may be extended instead.
     */
    public Outcome translateContiguous(long iova, long length, Access access, TargetRuns target) {
        long before = target.bytes();
        int runs = target.count();
        Outcome translated = translate(iova, length, access, target);
        if (translated != Outcome.RESOLVED || target.count() <= runs + 1) return translated;
        target.cutBack(before);
        unresolved.notContiguous(this, iova, length, access);
        return result.outcome();
    }

    void fail(Outcome failure, long iova, Access access, @Nullable FaultRecord failureRecord) {
        result.set(failure, iova, access, failureRecord, "");
    }

    /** The record of the last fault, or null if the last failure was a miss or there was none. */
    @Override
    public @Nullable FaultRecord fault() {
        return result.fault();
    }

    /** The result of the last failed translation. */
    public Result result() {
        return result;
    }

    /**
     * Whether an unmap has revoked this section, so that its results may be invalid; long work polls this between
     * pieces and ends when it is true.
     */
    public boolean revoked() {
        return section.revoked();
    }

    /**
     * After {@link Outcome#STALLED}: waits until the address that faulted is mapped, up to the stall's timeout.
     *
     * @return whether to retry; false if the wait timed out, which was recorded, or was aborted
     * @throws IllegalStateException in a section, because a map may wait for it
     */
    public boolean awaitMapped() {
        if (section.inside())
            throw new IllegalStateException("a stalled access waits outside of its read section: leave it first");
        return unresolved.awaitMapped(this);
    }

    /** Closes the reader. */
    @Override
    public void close() {
        unresolved.close(this);
    }
}
