package sluice.vdev.gpu;

import sluice.dmacore.memory.Snapshot;

/**
 * The rectangles that a kind of command had last: a guest that shows frames repeats them, so that it leaves no garbage.
 */
final class RecentRectangles {
    private static final int COUNT = 4;

    private final Rectangle[] recent = new Rectangle[COUNT];
    private int oldest;

    RecentRectangles() {
        for (int i = 0; i < COUNT; i++) recent[i] = new Rectangle(0, 0, 0, 0);
    }

    /** The rectangle in a command, at this offset. */
    Rectangle read(Snapshot command, int at) {
        long x = command.u32AsLong(at + Wire.Rect.X);
        long y = command.u32AsLong(at + Wire.Rect.Y);
        long width = command.u32AsLong(at + Wire.Rect.WIDTH);
        long height = command.u32AsLong(at + Wire.Rect.HEIGHT);
        for (Rectangle one : recent) {
            if (one.x() == x && one.y() == y && one.width() == width && one.height() == height) return one;
        }
        Rectangle made = new Rectangle(x, y, width, height);
        recent[oldest] = made;
        oldest = (oldest + 1) % COUNT;
        return made;
    }
}
