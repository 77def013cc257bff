package sluice.dmacore.buffer;

import sluice.dmacore.memory.Runs;

/**
 * The memory of a buffer. It holds references to its files until it is closed.
 *
 * @param runs the pieces of memory; immutable
 * @param kind what kind of memory
 * @param readOnly whether it must not be written
 * @param whenFreed runs when it is no longer used
 */
public record BufferMemory(Runs runs, Kind kind, boolean readOnly, Runnable whenFreed) {
    /** Kinds of memory. */
    public enum Kind {
        /** Pages of system memory. */
        RAM,
        /** Device memory without struct pages: accessible to peer devices, not to the CPU. */
        DEVICE
    }

    public BufferMemory {
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) runs.mapping(run).retain();
    }

    /** Writable pages of system memory. */
    public static BufferMemory ofPages(Runs runs, Runnable whenFreed) {
        return new BufferMemory(runs, Kind.RAM, false, whenFreed);
    }

    /** Frees the memory; only the first call has an effect. */
    void free() {
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) runs.mapping(run).release();
        whenFreed.run();
    }
}
