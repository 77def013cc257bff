package sluice.dmacore.buffer;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

/** Can begin an access and not end it, as a device that was unplugged meanwhile. */
record FailingEndExporter(FileMapping file) implements Exporter {
    @Override
    public String name() {
        return "unplugged";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.BRACKETED;
    }

    @Override
    public BufferMemory allocate(AllocationRequest request) {
        Runs runs = new Runs();
        runs.add(file, 0, request.bytes());
        return BufferMemory.ofPages(runs, () -> {});
    }

    @Override
    public void endCpuAccess(long from, long length, Direction direction) throws DmaBufException {
        throw new DmaBufException(Errno.EIO, "the exporter failed");
    }
}
