package sluice.vdev.rfb;

import sluice.vdev.device.InputSink;
import sluice.vdev.device.UsKeyboard;

/**
 * Keys and pointer of a viewer as events of a seat. A viewer may send a symbol that needs shift without pressing shift,
 * as programs do that type a text: shift is pressed for it.
 */
final class ViewerInput {
    private static final int BUTTONS = InputSink.LEFT | InputSink.MIDDLE | InputSink.RIGHT;
    private static final int WHEEL_UP = 1 << 3;
    private static final int WHEEL_DOWN = 1 << 4;
    private static final int WHEEL_LEFT = 1 << 5;
    private static final int WHEEL_RIGHT = 1 << 6;
    private static final int BACK = 1 << 7;
    private static final int RIGHT_SHIFT = 54;
    private static final int LEFT_BIT = 1;
    private static final int RIGHT_BIT = 2;

    private final InputSink sink;
    private int buttons;
    /** Shift keys that the viewer holds. */
    private int shifts;
    /** The key for which shift was pressed here. */
    private int shiftedKey = UsKeyboard.NO_KEY;

    ViewerInput(InputSink sink) {
        this.sink = sink;
    }

    void key(int keysym, boolean pressed) {
        int key = Keysyms.key(keysym);
        if (key == UsKeyboard.NO_KEY) return;
        int bit = key == UsKeyboard.LEFT_SHIFT ? LEFT_BIT : key == RIGHT_SHIFT ? RIGHT_BIT : 0;
        shifts = pressed ? shifts | bit : shifts & ~bit;
        if (pressed && shifts == 0 && shiftedKey == UsKeyboard.NO_KEY && Keysyms.isShifted(keysym)) {
            shiftedKey = key;
            sink.key(UsKeyboard.LEFT_SHIFT, true);
        }
        sink.key(key, pressed);
        if (!pressed && key == shiftedKey) {
            shiftedKey = UsKeyboard.NO_KEY;
            if ((shifts & LEFT_BIT) == 0) sink.key(UsKeyboard.LEFT_SHIFT, false);
        }
    }

    /**
     * The pointer moves or its buttons change. A turn of the wheel is a button that is pressed and released.
     *
     * @param width of the screen in pixels
     */
    void pointer(int mask, int x, int y, int width, int height) {
        int pressed = mask & ~buttons;
        buttons = mask;
        sink.pointer(x, y, width, height, (mask & BUTTONS) | ((mask & BACK) != 0 ? InputSink.BACK : 0));
        int up = detents(pressed, WHEEL_UP, WHEEL_DOWN);
        int right = detents(pressed, WHEEL_RIGHT, WHEEL_LEFT);
        if (up != 0 || right != 0) sink.scroll(up, right);
    }

    private static int detents(int pressed, int forth, int back) {
        return ((pressed & forth) != 0 ? 1 : 0) - ((pressed & back) != 0 ? 1 : 0);
    }

    /** Releases everything. */
    void close() {
        sink.close();
    }
}
