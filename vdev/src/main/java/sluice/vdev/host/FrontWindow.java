package sluice.vdev.host;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.FileMapping;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.host.ShownParts.Part;

/** A shared memory region whose parts a front-end shows its guest one by one. Used on the device's loop. */
final class FrontWindow implements SharedWindow {
    /** Requests of a region that the front-end has not answered. */
    private static final int MOST_OPEN = 256;

    private final SharedMemory shared;
    private final int id;
    private final HostLoop loop;
    private final ShownParts shown;
    private final Supplier<@Nullable FrontEndRequests> frontEnd;
    private int open;

    FrontWindow(SharedMemory shared, int id, HostLoop loop, ShownParts shown,
            Supplier<@Nullable FrontEndRequests> frontEnd) {
        this.shared = shared;
        this.id = id;
        this.loop = loop;
        this.shown = shown;
        this.frontEnd = frontEnd;
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
        FrontEndRequests present = ready();
        Part part = new Part(id, offset, length);
        if (present == null || shown.contains(part) || !shown.add(part)) {
            done.accept(false);
            return;
        }
        long before = shown.resets();
        open++;
        present.map(id, shared.file(), shared.offset(id) + offset, offset, length, answer(taken -> {
            boolean current = shown.resets() == before;
            if (current && !taken) shown.remove(part);
            // The front-end may have read the request after the reset.
            if (!current && taken && !shown.contains(part)) forget(part);
            done.accept(current && taken);
        }));
    }

    @Override
    public void hide(long offset, long length, Consumer<Boolean> done) {
        shared.check(id, offset, length);
        FrontEndRequests present = ready();
        if (present == null) {
            done.accept(false);
            return;
        }
        Part part = new Part(id, offset, length);
        long before = shown.resets();
        open++;
        present.unmap(id, offset, length, answer(taken -> {
            boolean current = shown.resets() == before;
            if (current && taken) shown.remove(part);
            done.accept(taken || !current);
        }));
    }

    private void forget(Part part) {
        FrontEndRequests present = ready();
        if (present == null) return;
        open++;
        present.unmap(id, part.offset(), part.length(), answer(taken -> {}));
    }

    /** The front-end, if there is one that may be asked more. */
    private @Nullable FrontEndRequests ready() {
        return open == MOST_OPEN ? null : frontEnd.get();
    }

    private Consumer<Boolean> answer(Consumer<Boolean> done) {
        return taken -> loop.post("an answer about shared memory", () -> {
            open--;
            done.accept(taken);
        });
    }
}
