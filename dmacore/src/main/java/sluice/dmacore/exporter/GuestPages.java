package sluice.dmacore.exporter;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.memory.Runs;

/** Exports pages that a guest has listed, where they are. The guest writes them without telling anybody. */
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
