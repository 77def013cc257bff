package sluice.vdev.input;

import java.util.Arrays;
import java.util.BitSet;

import sluice.vdev.device.InputSink;

/** A device as one source sees it: what the source holds pressed. Its fields belong to {@link InputState}, under its lock. */
final class InputSource implements InputSink {
    /** A finger that does not touch the screen. */
    static final int NO_FINGER = -1;

    private final InputState state;
    /** Keys and buttons that it holds. */
    final BitSet keys = new BitSet(EventCodes.KEYS);
    /** By the source's number of a finger: the device's. */
    final int[] fingers = new int[InputKind.FINGERS];

    InputSource(InputState state) {
        this.state = state;
        forget();
    }

    /** Nothing is pressed any longer. */
    void forget() {
        keys.clear();
        Arrays.fill(fingers, NO_FINGER);
    }

    @Override
    public void key(int code, boolean pressed) {
        state.key(this, code, pressed);
    }

    @Override
    public void pointer(int x, int y, int width, int height, int buttons) {
        state.pointer(this, InputKind.position(x, width), InputKind.position(y, height), buttons);
    }

    @Override
    public void scroll(int up, int right) {
        state.scroll(this, up, right);
    }

    @Override
    public void touch(int slot, int x, int y, int width, int height, boolean touching) {
        if (touching) {
            state.touch(this, slot, InputKind.position(x, width), InputKind.position(y, height));
        } else {
            state.lift(this, slot);
        }
    }

    @Override
    public void close() {
        state.leave(this);
    }
}
