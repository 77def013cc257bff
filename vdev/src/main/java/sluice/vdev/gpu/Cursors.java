package sluice.vdev.gpu;

/**
 * Tracks hidden cursors. A move does not contain visibility (virtio 1.3 §5.7.6.10: all fields except the position are
 * ignored), but displays show a cursor when it moves.
 */
final class Cursors {
    private final Display display;
    /** One bit for each scan-out. */
    private int hidden;

    Cursors(Display display) {
        this.display = display;
    }

    /** Shows a 64×64 cursor, 0xAARRGGBB. */
    void show(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        hidden &= ~(1 << scanout);
        display.setCursor(scanout, x, y, hotX, hotY, pixels);
    }

    /** Moves the cursor; a hidden one stays hidden. */
    void move(int scanout, int x, int y) {
        if ((hidden & 1 << scanout) != 0) {
            display.hideCursor(scanout, x, y);
        } else {
            display.moveCursor(scanout, x, y);
        }
    }

    void hide(int scanout, int x, int y) {
        hidden |= 1 << scanout;
        display.hideCursor(scanout, x, y);
    }

    /** The device is reset. */
    void forget() {
        hidden = 0;
    }
}
