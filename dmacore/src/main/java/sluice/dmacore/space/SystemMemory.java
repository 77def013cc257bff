package sluice.dmacore.space;

import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * Where memory is for devices that have no IOMMU: each file has an address of its own, a multiple of 2 TiB, which is the same
 * for all of them while anybody holds it; the first one begins at 0. One object stands for one machine.
 */
public final class SystemMemory {
    private final FileSlots slots = new FileSlots();
    private final AtomicInteger functions = new AtomicInteger();

    /** How many functions there were before this one. */
    public int nextFunction() {
        return functions.getAndIncrement() & Integer.MAX_VALUE;
    }

    FileSlots slots() {
        return slots;
    }

    /**
     * Gives the files of some memory their addresses, until {@link #letGo}.
     *
     * @return false if there are too many files, or one is too large; nothing is held then
     */
    public boolean hold(Runs memory) {
        for (int run = 0; run < memory.count(); run = memory.endOfFile(run)) {
            if (slots.acquire(memory.mapping(run)) < 0) {
                letGo(memory, run);
                return false;
            }
        }
        return true;
    }

    /** The memory's addresses are given up. */
    public void letGo(Runs memory) {
        letGo(memory, memory.count());
    }

    private void letGo(Runs memory, int runs) {
        for (int run = 0; run < runs; run = memory.endOfFile(run)) slots.release(slots.known(memory.mapping(run)));
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
