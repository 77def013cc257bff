package sluice.dmacore.space;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * The translation for a front-end that maps each range explicitly (vfio-user): an unmapped address faults, and so does
 * one mapped without a file, which has no runs.
 *
 * <p>Used by the thread that maps and unmaps, so that resolved runs are valid until the end of its current task; an
 * unmap between two tasks changes {@link #generation}.
 */
public final class DmaMappedTranslation implements FrontTranslation, AutoCloseable {
    private static final String WITHOUT_FILE = "the front-end has mapped it without a file, so that only its messages reach it: no ring and no buffer can be there";

    /** Before the first call of {@link #memory}. */
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

    /** The mapped files. Replaced when a file is added or removed, not with each mapping. */
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

    /** A range was unmapped: releases files without mappings now, instead of at the next use. */
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
