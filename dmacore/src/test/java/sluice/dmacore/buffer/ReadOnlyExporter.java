package sluice.dmacore.buffer;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/** Exports a read-only page. */
record ReadOnlyExporter(FileMapping file) implements Exporter {
    @Override
    public String name() {
        return "rom";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.BRACKETED;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        Runs runs = new Runs();
        runs.add(file, 0, request.bytes());
        return new BufferMemory(runs, BufferMemory.Kind.RAM, true, () -> {});
    }
}
