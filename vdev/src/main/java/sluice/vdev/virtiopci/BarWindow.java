package sluice.vdev.virtiopci;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import sluice.vdev.device.SharedWindow;
import sluice.vdev.host.SharedMemory;

/** A shared memory region in a BAR, all of which a driver reaches from the beginning. */
record BarWindow(SharedMemory shared, int id) implements SharedWindow {
    BarWindow {
        shared.offset(id); // there must be such a region
    }

    @Override
    public MemorySegment memory() {
        return shared.segment(id);
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
