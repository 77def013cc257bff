package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** The scan-outs: each shows a rectangle of a resource, or is disabled. */
final class Scanouts {
    /** VIRTIO_GPU_MAX_SCANOUTS. */
    static final int MAX = 16;

    /**
     * An enabled scan-out.
     *
     * @param pixels of the resource
     * @param shown the visible part, at least one pixel, inside them
     */
    record Shown(Resource resource, PixelSource pixels, Rectangle shown) {
        private boolean is(PixelSource source, Rectangle part) {
            return pixels.equals(source) && shown.x() == part.x() && shown.y() == part.y()
                    && shown.width() == part.width() && shown.height() == part.height();
        }
    }

    private final @Nullable Shown[] scanouts = new @Nullable Shown[MAX];
    /** The previous picture, because the guest flips between two. */
    private final @Nullable Shown[] former = new @Nullable Shown[MAX];
    /** Keeps a rectangle of its own: that of a command that shows what was shown before is kept nowhere, and so never made. */
    private static Shown shown(Resource resource, PixelSource pixels, Rectangle part) {
        return new Shown(resource, pixels, new Rectangle(part.x(), part.y(), part.width(), part.height()));
    }

    /** Whether it shows something else since its last flush. */
    private final boolean[] flipped = new boolean[MAX];
    private final Display display;
    private final Painter painter;
    private final int count;
    private final long mostBytes;

    /**
     * @param painter shows pictures on the display
     * @param count number of valid scan-outs, 1 to {@link #MAX}
     * @param mostBytes limit of all pictures together in bytes, because a front-end stores a picture of each scan-out
     */
    Scanouts(Display display, Painter painter, int count, long mostBytes) {
        this.display = display;
        this.painter = painter;
        this.count = count;
        this.mostBytes = mostBytes;
    }

    /** Whether an id is valid; {@code id} is unsigned. */
    boolean has(int id) {
        return Integer.compareUnsigned(id, count) < 0;
    }

    /** Whether a part of this size is within the limit, with the other scan-outs. */
    boolean hasRoomFor(int id, Rectangle part) {
        long bytes = HostImage.bytes(part.width(), part.height());
        for (int other = 0; other < MAX; other++) {
            Shown on = scanouts[other];
            if (on != null && other != id) bytes += HostImage.bytes(on.shown.width(), on.shown.height());
        }
        return bytes <= mostBytes;
    }

    @Nullable
    Shown get(int id) {
        return scanouts[id];
    }

    void show(int id, Resource resource, PixelSource pixels, Rectangle part) {
        Shown before = scanouts[id];
        // A page flip keeps the size; sending it again would blank the display until the flush.
        boolean sized = before != null && before.shown.width() == part.width()
                && before.shown.height() == part.height();
        if (before == null || !before.is(pixels, part)) {
            Shown earlier = former[id];
            Shown on = earlier != null && earlier.is(pixels, part) ? earlier : shown(resource, pixels, part);
            scanouts[id] = on;
            former[id] = before;
            flipped[id] = true;
            display.show(id, on.pixels, on.shown);
        }
        if (!sized) display.setScanout(id, (int) part.width(), (int) part.height());
    }

    /** Whether it shows something else since {@link #setFlushed}: all of it is new then. */
    boolean isFlipped(int id) {
        return flipped[id];
    }

    /** What it shows is in other memory now. */
    void setFlipped(int id) {
        flipped[id] = true;
    }

    /** A flush has shown what it shows. */
    void setFlushed(int id) {
        flipped[id] = false;
    }

    void switchOff(int id) {
        if (scanouts[id] == null) return;
        scanouts[id] = null;
        painter.forget(id);
        display.setScanout(id, 0, 0);
    }

    /** The resource is destroyed: disables the scan-outs that show it. */
    void forget(Resource resource) {
        for (int id = 0; id < MAX; id++) {
            Shown shown = scanouts[id];
            if (shown != null && shown.resource.id() == resource.id()) switchOff(id);
            former[id] = null;
        }
    }

    void switchAllOff() {
        for (int id = 0; id < MAX; id++) {
            switchOff(id);
            former[id] = null;
        }
    }

    /** Sends the complete state to a newly connected display. */
    void showAll() {
        for (int id = 0; id < MAX; id++) {
            Shown on = scanouts[id];
            if (on == null) continue;
            display.setScanout(id, (int) on.shown.width(), (int) on.shown.height());
            painter.paint(id, on, on.shown, () -> {});
        }
    }

    /** Number of enabled scan-outs. */
    int countOn() {
        int count = 0;
        for (Shown shown : scanouts) {
            if (shown != null) count++;
        }
        return count;
    }
}
