package sluice.vdev.display;

import java.util.ArrayDeque;

/** Unused updates, so that showing a frame allocates nothing. */
final class PixelUpdatePool {
    private static final int KEPT = 16;

    private final ArrayDeque<PixelUpdate> free = new ArrayDeque<>(KEPT);

    PixelUpdate take() {
        PixelUpdate update = free.poll();
        return update == null ? new PixelUpdate(this) : update;
    }

    void giveBack(PixelUpdate update) {
        if (free.size() < KEPT) free.add(update);
    }
}
