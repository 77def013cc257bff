package sluice.vdev.gpu;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.Runs;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.SharedWindow;

/**
 * Allocates the memory of one host blob in the window: late, where the guest wants it or at any free place, and zeroed.
 * The guest writes it without notification.
 */
final class WindowExporter implements Exporter {
    private final HostWindow places;
    private final SharedWindow window;
    /** The range that the next allocation takes, or avoids. */
    private long from;
    private long to;
    private boolean wanted;

    WindowExporter(HostWindow places, SharedWindow window) {
        this.places = places;
        this.window = window;
    }

    /** The next allocation is at an offset. */
    void wantAt(long offset) {
        from = offset;
        wanted = true;
    }

    /** The next allocation is anywhere outside of a range. */
    void avoid(long offset, long length) {
        from = offset;
        to = offset + length;
        wanted = false;
    }

    @Override
    public String name() {
        return "host window";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.UNSEEN;
    }

    @Override
    public boolean allocatesLate() {
        return true;
    }

    @Override
    public boolean moves() {
        return true;
    }

    /** @throws DmaBufException ENOMEM: the window has no room, or its pages cannot be cleared */
    @Override
    public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        long length = SharedRegion.whole(request.bytes());
        HostWindow.Place taken = wanted ? places.take(this, from, length) : places.take(this, length, from, to);
        if (taken == null) {
            throw new DmaBufException(Errno.ENOMEM, "%d of the window's %d bytes are used: no room for %d more"
                    .formatted(places.used(), places.bytes(), length));
        }
        boolean done = false;
        try {
            window.clear(taken.offset(), length);
            Runs runs = new Runs(1);
            runs.add(window.file(), window.fileOffset() + taken.offset(), request.bytes());
            BufferMemory made = BufferMemory.ofPages(runs, () -> free(taken));
            done = true;
            return made;
        } catch (ErrnoException e) {
            throw new DmaBufException(Errno.ENOMEM, "the window's pages cannot be cleared: " + e.getMessage());
        } finally {
            if (!done) places.free(taken);
        }
    }

    /** Gives the pages back to the host; what the guest still writes there is cleared at the next allocation. */
    private void free(HostWindow.Place freed) {
        try {
            window.clear(freed.offset(), freed.bytes());
        } catch (ErrnoException e) {
            throw new IllegalStateException("freed pages of the window cannot be cleared", e);
        } finally {
            places.free(freed);
        }
    }
}
