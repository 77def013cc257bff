package sluice.dmacore.space;

import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * The physical addresses of one machine, for devices without an IOMMU: each file has an address, a multiple of 2 TiB,
 * common to all of them while it is referenced; the first file is at 0.
 */
public final class SystemMemory {
    private final FileSlots slots = new FileSlots();
    private final AtomicInteger functions = new AtomicInteger();

    /** Returns the number of functions created before. */
    public int nextFunction() {
        return functions.getAndIncrement() & Integer.MAX_VALUE;
    }

    FileSlots slots() {
        return slots;
    }

    /**
     * Assigns addresses to the files of {@code memory}, until {@link #letGo}.
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

    /** Releases the addresses of {@code memory}. */
    public void letGo(Runs memory) {
        letGo(memory, memory.count());
    }

    private void letGo(Runs memory, int runs) {
        for (int run = 0; run < runs; run = memory.endOfFile(run)) slots.release(slots.known(memory.mapping(run)));
    }

    /**
     * The address of a byte of a file with an address.
     *
     * @throws IllegalStateException if the file has no address
     */
    public long addressOf(FileMapping file, long offset) {
        int slot = slots.known(file);
        if (slot < 0) throw new IllegalStateException(file + " has no address");
        return FileSlots.target(slot, offset);
    }
}
