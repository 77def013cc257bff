package sluice.dmacore.exporter;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/** Exports device memory without struct pages: accessible to peer devices, not to the CPU (row S8). */
public final class DeviceMemory implements Exporter {
    private final FileMapping memory;
    private final long offset;

    /**
     * @param memory of the device, such as that of a BAR
     * @param offset of the buffer's first byte in {@code memory}
     */
    public DeviceMemory(FileMapping memory, long offset) {
        this.memory = memory;
        this.offset = offset;
    }

    @Override
    public String name() {
        return "device memory";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.BRACKETED;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        Runs runs = new Runs(1);
        runs.add(memory, offset, request.bytes());
        return new BufferMemory(runs, BufferMemory.Kind.DEVICE, false, () -> {});
    }
}
