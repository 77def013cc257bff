package sluice.vdev.virtiopci;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.FileMapping;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.host.SharedMemory;

/** A shared memory region in a BAR, always accessible as a whole. */
record BarWindow(SharedMemory shared, int id) implements SharedWindow {
    BarWindow {
        shared.offset(id); // throws if there is no such region
    }

    @Override
    public MemorySegment memory() {
        return shared.segment(id);
    }

    @Override
    public FileMapping file() {
        return shared.mapping();
    }

    @Override
    public long fileOffset() {
        return shared.offset(id);
    }

    @Override
    public void clear(long offset, long length) throws ErrnoException {
        shared.clear(id, offset, length);
    }

    @Override
    public void show(long offset, long length, Consumer<Boolean> done) {
        shared.check(id, offset, length);
        done.accept(true);
    }

    @Override
    public void hide(long offset, long length, Consumer<Boolean> done) {
        shared.check(id, offset, length);
        done.accept(true);
    }
}
