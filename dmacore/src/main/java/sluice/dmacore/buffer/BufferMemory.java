package sluice.dmacore.buffer;

import sluice.dmacore.memory.Runs;

/**
 * Memory behind a buffer. It holds its files until it is closed.
 *
 * @param runs where it is; never changed
 * @param kind what kind of memory
 * @param readOnly whether nobody may write it
 * @param whenFreed runs when nobody uses it any more
 */
public record BufferMemory(Runs runs, Kind kind, boolean readOnly, Runnable whenFreed) {
    /** What a buffer can be made of. */
    public enum Kind {
        /** Pages of the system. */
        RAM,
        /** Memory of a device, which has no pages: the CPU does not reach it, and only peers do. */
        DEVICE
    }

    public BufferMemory {
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) runs.mapping(run).retain();
    }

    /** Pages of the system that anybody may write. */
    public static BufferMemory ofPages(Runs runs, Runnable whenFreed) {
        return new BufferMemory(runs, Kind.RAM, false, whenFreed);
    }

    /** Gives the memory back; once. */
    void free() {
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) runs.mapping(run).release();
        whenFreed.run();
    }
}
