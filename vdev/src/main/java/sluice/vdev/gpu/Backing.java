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

    private final long[] addresses;
    private final int[] lengths;
    private final Runs runs = new Runs();
    private long generation;
    private boolean resolved;

    private Backing(int entries) {
        addresses = new long[entries];
        lengths = new int[entries];
    }

    /** The list in an attach command that is long enough to hold it. */
    static Backing read(Snapshot command, int entries) {
        Backing backing = new Backing(entries);
        for (int i = 0; i < entries; i++) {
            int at = Wire.ResourceAttachBacking.BYTES + i * Wire.ResourceAttachBacking.ENTRY_BYTES;
            backing.addresses[i] = command.u64(at);
            backing.lengths[i] = command.u32(at + Wire.ResourceAttachBacking.ENTRY_LENGTH);
        }
        return backing;
    }

    /** Makes {@link #runs} valid now; anything but {@code RESOLVED} leaves them empty. */
    FrontTranslation.Outcome resolve(FrontTranslation memory) {
        if (resolved && generation == memory.generation()) return FrontTranslation.Outcome.RESOLVED;
        resolved = false;
        runs.clear();
        for (int i = 0; i < addresses.length; i++) {
            if (lengths[i] == 0) continue;
            FrontTranslation.Outcome outcome = memory.resolve(addresses[i], Integer.toUnsignedLong(lengths[i]),
                    Access.READ, runs);
            if (outcome != FrontTranslation.Outcome.RESOLVED) {
                runs.clear();
                return outcome;
            }
        }
        generation = memory.generation();
        resolved = true;
        return FrontTranslation.Outcome.RESOLVED;
    }

    Runs runs() {
        return runs;
    }
}
