package sluice.vdev.media;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.memory.Runs;

/**
 * A range of the arena as a buffer of the core: pages of the host, as those of the GPU's window.
 *
 * @param whenFreed by the last who used it, on any thread
 */
record ArenaExporter(Runs runs, Runnable whenFreed) implements Exporter {
    @Override
    public String name() {
        return "codec";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.UNSEEN;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        return BufferMemory.ofPages(runs, whenFreed);
    }
}
