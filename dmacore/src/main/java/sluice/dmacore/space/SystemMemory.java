package sluice.dmacore.space;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * Where memory is for devices that have no IOMMU: each file has an address of its own, a multiple of 2 TiB, which is the same
 * for all of them while anybody holds it; the first one begins at 0. One object stands for one machine.
 */
public final class SystemMemory {
    private final FileSlots slots = new FileSlots();

    FileSlots slots() {
        return slots;
    }

    /**
     * Gives the files of some memory their addresses, until {@link #letGo}.
     *
     * @return false if there are too many files, or one is too large; nothing is held then
     */
    public boolean hold(Runs memory) {
        @Nullable
        FileMapping last = null;
        for (int run = 0; run < memory.count(); run++) {
            FileMapping file = memory.mapping(run);
            if (file == last) continue;
            if (slots.acquire(file) < 0) {
                letGo(memory, run);
                return false;
            }
            last = file;
        }
        return true;
    }

    /** The memory's addresses are given up. */
    public void letGo(Runs memory) {
        letGo(memory, memory.count());
    }

    private void letGo(Runs memory, int runs) {
        @Nullable
        FileMapping last = null;
        for (int run = 0; run < runs; run++) {
            FileMapping file = memory.mapping(run);
            if (file == last) continue;
            slots.release(slots.known(file));
            last = file;
        }
    }

    /**
     * The address of a byte of a file that is held.
     *
     * @throws IllegalStateException if it is not held
     */
    public long addressOf(FileMapping file, long offset) {
        int slot = slots.known(file);
        if (slot < 0) throw new IllegalStateException(file + " has no address");
        return FileSlots.target(slot, offset);
    }
}
