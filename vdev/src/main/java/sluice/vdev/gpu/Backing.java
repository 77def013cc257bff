package sluice.vdev.gpu;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.memory.Snapshot;
import sluice.iommu.Access;

/**
 * The guest pages behind a resource, as the guest listed them. They are resolved when they are attached, and again when
 * the memory table has changed since.
 */
final class Backing {
    /** The most entries of one list: a 256 MiB resource in 16 KiB pieces, and what QEMU's own device takes. */
    static final int MAX_ENTRIES = 16_384;

    /** As the guest sent them: an address, then a length in the lower half of the next number. */
    private final long[] entries;
    private final Runs runs;
    private long generation;
    private boolean resolved;

    private Backing(int count) {
        entries = new long[2 * count];
        runs = new Runs(count);
    }

    /** The list in an attach command that is long enough to hold it. */
    static Backing read(Snapshot command, int count) {
        Backing backing = new Backing(count);
        command.copyTo(Wire.ResourceAttachBacking.BYTES, backing.entries);
        return backing;
    }

    /** Makes {@link #runs} valid now; anything but {@code RESOLVED} leaves them empty. */
    FrontTranslation.Outcome resolve(FrontTranslation memory) {
        if (resolved && generation == memory.generation()) return FrontTranslation.Outcome.RESOLVED;
        resolved = false;
        runs.clear();
        FrontTranslation.Outcome outcome = memory.resolveAll(entries, Access.READ, runs);
        if (outcome != FrontTranslation.Outcome.RESOLVED) return outcome;
        generation = memory.generation();
        resolved = true;
        return FrontTranslation.Outcome.RESOLVED;
    }

    Runs runs() {
        return runs;
    }
}
