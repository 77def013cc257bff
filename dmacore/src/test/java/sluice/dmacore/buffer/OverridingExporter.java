package sluice.dmacore.buffer;

import java.util.List;

import sluice.dmacore.device.DeviceFunction;

/** Refuses everybody, whatever the core thinks. */
record OverridingExporter(Exporter inner) implements Exporter {
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
        return new Verdict(List.of(new Verdict.Problem(-1, Verdict.Limit.EXPORTER, 0, 0, false, false)));
    }
}
