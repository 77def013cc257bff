package sluice.dmacore.buffer;

import sluice.dmacore.device.DeviceFunction;

/** Says one thing of everybody, whatever the core thinks. */
record OverridingExporter(Exporter inner, Verdict says) implements Exporter {
    @Override
    public String name() {
        return "picky";
    }

    @Override
    public CpuWriters cpuWriters() {
        return inner.cpuWriters();
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        return inner.allocate(request);
    }

    @Override
    public Verdict review(DeviceFunction function, Verdict verdict) {
        return says;
    }
}
