package sluice.vdev.host;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.SharedWindow;

/** A shared memory region whose parts a front-end shows its guest one by one. Used on the device's loop. */
final class FrontWindow implements SharedWindow {
    /** Requests of a region that the front-end has not answered. */
    private static final int MOST_OPEN = 256;

    private final SharedMemory shared;
    private final int id;
    private final HostLoop loop;
    private final Supplier<@Nullable FrontEndRequests> frontEnd;
    private int open;

    FrontWindow(SharedMemory shared, int id, HostLoop loop, Supplier<@Nullable FrontEndRequests> frontEnd) {
        this.shared = shared;
        this.id = id;
        this.loop = loop;
        this.frontEnd = frontEnd;
    }

    @Override
    public MemorySegment memory() {
        return shared.segment(id);
    }

    @Override
    public void show(long offset, long length, Consumer<Boolean> done) {
        shared.check(id, offset, length);
        FrontEndRequests asked = ready();
        if (asked == null) done.accept(false);
        else asked.map(id, shared.file(), shared.offset(id) + offset, offset, length, answer(done));
    }

    @Override
    public void hide(long offset, long length, Consumer<Boolean> done) {
        shared.check(id, offset, length);
        FrontEndRequests asked = ready();
        if (asked == null) done.accept(false);
        else asked.unmap(id, offset, length, answer(done));
    }

    /** The front-end, if there is one that may be asked more. */
    private @Nullable FrontEndRequests ready() {
        FrontEndRequests present = frontEnd.get();
        if (present == null || open == MOST_OPEN) return null;
        open++;
        return present;
    }

    private Consumer<Boolean> answer(Consumer<Boolean> done) {
        return taken -> loop.post("an answer about shared memory", () -> {
            open--;
            done.accept(taken);
        });
    }
}
