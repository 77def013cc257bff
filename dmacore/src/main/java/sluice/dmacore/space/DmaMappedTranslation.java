package sluice.dmacore.space;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * The addresses of a driver whose front-end maps each range for the device, as vfio-user's does: what is not mapped faults,
 * and so does what is mapped without a file, for there is nothing that runs could lead to.
 *
 * <p>It belongs to the thread that maps and unmaps, so that what it resolves is good until that thread goes on to something
 * else: between two tasks a mapping may end, and then {@link #generation} changes.
 */
public final class DmaMappedTranslation implements FrontTranslation, AutoCloseable {
    private static final String WITHOUT_FILE = "the front-end has mapped it without a file, so that only its messages reach it: no ring and no buffer can be there";

    /** Of a translation that nobody has asked for its memory. */
    private static final long NOTHING_HELD = -1;

    private final DmaMappedSpace space;
    private final DmaReader reader;
    private final FileSlots slots;
    private GuestMemory held = GuestMemory.empty();
    private long heldVersion = NOTHING_HELD;

    DmaMappedTranslation(DmaMappedSpace space, DmaReader reader, FileSlots slots) {
        this.space = space;
        this.reader = reader;
        this.slots = slots;
    }

    @Override
    public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
        if (length == 0) return result.resolved();
        int mark = target.count();
        long markBytes = target.bytes();
        Outcome outcome;
        try (var _ = reader.enter()) {
            outcome = reader.resolve(address, length, access, target);
        }
        if (outcome == Outcome.RESOLVED) return result.resolved();
        target.cutBack(mark, markBytes);
        boolean withoutFile = outcome == Outcome.WITHOUT_FILE;
        return result.set(Outcome.FAULT, address, access, withoutFile ? null : reader.fault(),
                withoutFile ? WITHOUT_FILE : "");
    }

    @Override
    public long generation() {
        return space.generation();
    }

    @Override
    public boolean isRevocable() {
        return true;
    }

    /** The files that are mapped now. Its number changes when one comes or goes, and not with each mapping. */
    @Override
    public GuestMemory memory() {
        long version = slots.version();
        if (version != heldVersion) hold(version);
        return held;
    }

    private void hold(long version) {
        GuestMemory old = held;
        held = slots.hold();
        heldVersion = version;
        old.release();
    }

    /** Something was unmapped: a file that nothing leads to any more is let go of now, and not when this is next used. */
    public void unmapped() {
        long version = slots.version();
        if (heldVersion != NOTHING_HELD && version != heldVersion) hold(version);
    }

    @Override
    public void close() {
        held.release();
        held = GuestMemory.empty();
        reader.close();
    }
}
