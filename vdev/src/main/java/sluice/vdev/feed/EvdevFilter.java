package sluice.vdev.feed;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Evdev;
import sluice.vdev.device.InputSink;
import sluice.vdev.input.EventCodes;
import sluice.vdev.input.InputKind;

/**
 * Puts the events of a node of the host together to packets of a sink: keys, a pointer with absolute axes or a mouse, a
 * touchscreen (protocol B).
 */
final class EvdevFilter {
    /** The screen on which a mouse moves, a pixel for each count. */
    static final int MOUSE_WIDTH = 1920;
    static final int MOUSE_HEIGHT = 1080;
    /** Linux's codes, in the order of the sink's bits. */
    private static final int[] BUTTONS = { EventCodes.BTN_LEFT, EventCodes.BTN_MIDDLE, EventCodes.BTN_RIGHT,
            EventCodes.BTN_SIDE, EventCodes.BTN_EXTRA };
    private static final int REL_X = 0;
    private static final int REL_Y = 1;

    private final Evdev.Axis horizontal;
    private final Evdev.Axis vertical;
    private final InputSink sink;
    private int buttons;
    private int x;
    private int y;
    private int up;
    private int right;
    private boolean moved;
    /** Whether events until the end of the packet are worthless, because some before them are missing. */
    private boolean broken;
    private int slot;
    private final boolean[] touching = new boolean[InputKind.FINGERS];
    private final int[] fingerX = new int[InputKind.FINGERS];
    private final int[] fingerY = new int[InputKind.FINGERS];
    /** Fingers that this packet has changed, a bit for each. */
    private int changed;

    /**
     * @param horizontal values of the node's ABS_X, or null for a mouse or a keyboard
     * @param vertical values of its ABS_Y, or null
     */
    EvdevFilter(Evdev.@Nullable Axis horizontal, Evdev.@Nullable Axis vertical, InputSink sink) {
        this.horizontal = horizontal == null ? new Evdev.Axis(0, MOUSE_WIDTH - 1) : horizontal;
        this.vertical = vertical == null ? new Evdev.Axis(0, MOUSE_HEIGHT - 1) : vertical;
        this.sink = sink;
        x = (this.horizontal.minimum() + this.horizontal.maximum()) / 2;
        y = (this.vertical.minimum() + this.vertical.maximum()) / 2;
    }

    /**
     * Takes an event.
     *
     * @return false if the host has lost events before it: everything that is pressed must be released
     */
    boolean take(int type, int code, int value) {
        if (type == EventCodes.EV_SYN) {
            if (code == EventCodes.SYN_DROPPED) return false;
            if (code == EventCodes.SYN_REPORT) {
                if (!broken) end();
                broken = false;
            }
        } else if (!broken) {
            switch (type) {
                case EventCodes.EV_KEY -> key(code, value);
                case EventCodes.EV_REL -> relative(code, value);
                case EventCodes.EV_ABS -> absolute(code, value);
                default -> {
                } // of no interest to a guest
            }
        }
        return true;
    }

    /** For another sink, after a loss: nothing is pressed, and what comes before the end of the packet is ignored. */
    EvdevFilter renewed(InputSink other) {
        EvdevFilter renewed = new EvdevFilter(horizontal, vertical, other);
        renewed.x = x;
        renewed.y = y;
        renewed.slot = slot;
        renewed.broken = true;
        return renewed;
    }

    private void key(int code, int value) {
        for (int i = 0; i < BUTTONS.length; i++) {
            if (code != BUTTONS[i]) continue;
            buttons = value == 0 ? buttons & ~(1 << i) : buttons | (1 << i);
            moved = true;
            return;
        }
        // 2 is a repetition: guests repeat by themselves.
        if (code <= EventCodes.LAST_KEY && value != 2) sink.key(code, value != 0);
    }

    private void relative(int code, int value) {
        switch (code) {
            case REL_X -> x = Math.clamp((long) x + value, horizontal.minimum(), horizontal.maximum());
            case REL_Y -> y = Math.clamp((long) y + value, vertical.minimum(), vertical.maximum());
            case EventCodes.REL_WHEEL -> up += value;
            case EventCodes.REL_HWHEEL -> right += value;
            default -> {
                return;
            }
        }
        moved |= code <= REL_Y;
    }

    private void absolute(int code, int value) {
        switch (code) {
            case EventCodes.ABS_X -> {
                x = value;
                moved = true;
            }
            case EventCodes.ABS_Y -> {
                y = value;
                moved = true;
            }
            case EventCodes.ABS_MT_SLOT -> slot = value;
            case EventCodes.ABS_MT_TRACKING_ID, EventCodes.ABS_MT_POSITION_X, EventCodes.ABS_MT_POSITION_Y -> {
                if (slot >= 0 && slot < InputKind.FINGERS) finger(code, value);
            }
            default -> {
            } // pressure, tilt: no device of ours has them
        }
    }

    private void finger(int code, int value) {
        changed |= 1 << slot;
        switch (code) {
            case EventCodes.ABS_MT_TRACKING_ID -> touching[slot] = value >= 0;
            case EventCodes.ABS_MT_POSITION_X -> fingerX[slot] = value;
            default -> fingerY[slot] = value;
        }
    }

    private void end() {
        int width = horizontal.maximum() - horizontal.minimum() + 1;
        int height = vertical.maximum() - vertical.minimum() + 1;
        for (int i = 0; changed != 0; i++, changed >>>= 1) {
            if ((changed & 1) != 0) {
                sink.touch(i, fingerX[i] - horizontal.minimum(), fingerY[i] - vertical.minimum(), width, height,
                        touching[i]);
            }
        }
        if (moved) sink.pointer(x - horizontal.minimum(), y - vertical.minimum(), width, height, buttons);
        moved = false;
        if (up != 0 || right != 0) sink.scroll(up, right);
        up = 0;
        right = 0;
    }
}
