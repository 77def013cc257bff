package sluice.dmacore.buffer;

import sluice.dmacore.memory.Runs;

/** Exports pages that the CPU writes only between a begin and an end; others may export the same ones. */
public record BracketedPages(Runs pages) implements Exporter {
    @Override
    public String name() {
        return "bracketed";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.BRACKETED;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        return BufferMemory.ofPages(pages, () -> {});
    }
}
