package sluice.dmacore.exporter;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.memory.Runs;

/** Exports pages listed by a guest, in place. The guest writes them without notification. */
public final class GuestPages implements Exporter {
    private final Runs pages;

    /** @param pages are copied */
    public GuestPages(Runs pages) {
        this.pages = pages.copy();
    }

    @Override
    public String name() {
        return "guest";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.UNSEEN;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        return BufferMemory.ofPages(pages, () -> {});
    }
}
