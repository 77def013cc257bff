package sluice.vdev.input;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import sluice.vdev.device.InputSink;

/**
 * What a guest has been told is pressed, which sources press it, and the events that the guest has not got yet.
 *
 * <p>Sources call on any thread, the device's loop takes the events. A packet is kept whole or dropped: {@link #EVENTS}
 * events wait at most, and a press is kept only together with a place for its release, so that a release always has
 * one. Until a driver runs, all packets are dropped.
 */
final class InputState {
    /** The most events that wait for the device's loop. */
    static final int EVENTS = 1024;
    /** Events of the release of a key: the key, the end of the packet. */
    private static final int RELEASE = 2;
    /** Events of the end of a contact: slot, tracking id, BTN_TOUCH, the end of the packet. */
    private static final int LIFT = 4;
    /** By bit of {@link InputSink}'s buttons. */
    private static final int[] BUTTONS = { EventCodes.BTN_LEFT, EventCodes.BTN_MIDDLE, EventCodes.BTN_RIGHT,
            EventCodes.BTN_SIDE, EventCodes.BTN_EXTRA };
    private static final int NOWHERE = -1;

    private final InputKind kind;
    private final InputStatistics statistics;
    private final Runnable wake;
    private final EventRing pending = new EventRing(EVENTS);
    private final List<InputSource> sources = new ArrayList<>();
    /** Sources that hold each key. */
    private final int[] holders = new int[EventCodes.KEYS];
    /** Which fingers of the device touch. */
    private final boolean[] touching = new boolean[InputKind.FINGERS];
    /** The finger that is also reported as a pointer, for programs without multi-touch. */
    private int pointing = InputSource.NO_FINGER;
    private int contacts;
    private int x = NOWHERE;
    private int y = NOWHERE;
    private boolean running;
    private boolean woken;

    /** @param wake asks the device's loop to take events; called once until it has */
    InputState(InputKind kind, InputStatistics statistics, Runnable wake) {
        this.kind = kind;
        this.statistics = statistics;
        this.wake = wake;
    }

    /** A driver runs, or none does: then nothing is pressed, nothing waits, and nothing is kept. */
    synchronized void setRunning(boolean now) {
        if (now == running) return;
        running = now;
        pending.clear();
        sources.forEach(InputSource::forget);
        Arrays.fill(holders, 0);
        Arrays.fill(touching, false);
        pointing = InputSource.NO_FINGER;
        x = NOWHERE;
        y = NOWHERE;
    }

    synchronized boolean isRunning() {
        return running;
    }

    synchronized InputSource open() {
        InputSource source = new InputSource(this);
        sources.add(source);
        return source;
    }

    synchronized void leave(InputSource source) {
        if (!sources.contains(source)) return;
        for (int key = source.keys.nextSetBit(0); key >= 0; key = source.keys.nextSetBit(key + 1)) release(source, key);
        for (int finger = 0; finger < InputKind.FINGERS; finger++) lift(source, finger);
        sources.remove(source);
    }

    /**
     * Whether a packet for a device of this kind may be kept now; counts it if not. A source sends to all devices of its
     * seat, so packets for another kind do not count.
     *
     * @param supported whether the device has such a key or finger
     */
    private boolean isTaken(InputSource source, InputKind needed, boolean supported) {
        if (kind != needed || !sources.contains(source)) return false;
        if (supported && running) return true;
        (supported ? statistics.withoutDriver : statistics.unsupported).increment();
        return false;
    }

    private boolean hasRoom(int packet, int more) {
        if (pending.fits(packet, more)) return true;
        statistics.full.increment();
        return false;
    }

    private void end() {
        pending.add(EventCodes.EV_SYN, EventCodes.SYN_REPORT, 0);
        statistics.packets.increment();
        if (woken) return;
        woken = true;
        wake.run();
    }

    synchronized void key(InputSource source, int code, boolean pressed) {
        if (!isTaken(source, InputKind.KEYBOARD, kind.has(EventCodes.EV_KEY, code))) return;
        if (!pressed) {
            release(source, code);
        } else if (!source.keys.get(code)) {
            if (holders[code] == 0) {
                if (!hasRoom(2, RELEASE)) return;
                press(code);
                end();
            }
            hold(source, code);
        }
    }

    private void press(int code) {
        pending.reserve(RELEASE);
        pending.add(EventCodes.EV_KEY, code, 1);
    }

    private void hold(InputSource source, int code) {
        source.keys.set(code);
        holders[code]++;
    }

    private void release(InputSource source, int code) {
        if (letGo(source, code)) end();
    }

    /** @return whether no source holds the key any longer, so that the packet says so */
    private boolean letGo(InputSource source, int code) {
        if (!source.keys.get(code)) return false;
        source.keys.clear(code);
        if (--holders[code] > 0) return false;
        pending.reserve(-RELEASE);
        pending.add(EventCodes.EV_KEY, code, 0);
        return true;
    }

    /** @param buttons of {@link InputSink#pointer} */
    synchronized void pointer(InputSource source, int toX, int toY, int buttons) {
        if (!isTaken(source, InputKind.TABLET, true)) return;
        int presses = 0;
        int releases = 0;
        for (int i = 0; i < BUTTONS.length; i++) {
            boolean held = source.keys.get(BUTTONS[i]);
            if (((buttons >> i) & 1) != 0) {
                if (!held && holders[BUTTONS[i]] == 0) presses++;
            } else if (held && holders[BUTTONS[i]] == 1) {
                releases++;
            }
        }
        if (presses + releases == 0 && toX == x && toY == y) {
            change(source, buttons, true);
            return;
        }
        boolean whole = hasRoom(3 + presses + releases, (presses - releases) * RELEASE);
        if (whole) {
            x = toX;
            y = toY;
            pending.add(EventCodes.EV_ABS, EventCodes.ABS_X, x);
            pending.add(EventCodes.EV_ABS, EventCodes.ABS_Y, y);
        }
        if (change(source, buttons, whole) || whole) end();
    }

    /**
     * Presses and releases buttons as the source says.
     *
     * @param presses whether there is room for presses
     * @return whether anything was added to the packet
     */
    private boolean change(InputSource source, int buttons, boolean presses) {
        boolean changed = false;
        for (int i = 0; i < BUTTONS.length; i++) {
            int code = BUTTONS[i];
            if (((buttons >> i) & 1) == 0) {
                changed |= letGo(source, code);
            } else if (presses && !source.keys.get(code)) {
                if (holders[code] == 0) {
                    press(code);
                    changed = true;
                }
                hold(source, code);
            }
        }
        return changed;
    }

    synchronized void scroll(InputSource source, int up, int right) {
        if (!isTaken(source, InputKind.TABLET, true) || (up == 0 && right == 0) || !hasRoom(3, 0)) return;
        if (up != 0) pending.add(EventCodes.EV_REL, EventCodes.REL_WHEEL, up);
        if (right != 0) pending.add(EventCodes.EV_REL, EventCodes.REL_HWHEEL, right);
        end();
    }

    synchronized void touch(InputSource source, int finger, int toX, int toY) {
        if (!isTaken(source, InputKind.TOUCH, finger >= 0 && finger < InputKind.FINGERS)) return;
        int slot = source.fingers[finger];
        boolean fresh = slot == InputSource.NO_FINGER;
        if (fresh) slot = freeSlot();
        if (slot == InputSource.NO_FINGER) {
            statistics.unsupported.increment();
            return;
        }
        if (!hasRoom(8, fresh ? LIFT : 0)) return;
        pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_SLOT, slot);
        if (fresh) {
            pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_TRACKING_ID, contacts);
            contacts = (contacts + 1) % InputKind.TRACKING_IDS;
        }
        pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_POSITION_X, toX);
        pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_POSITION_Y, toY);
        if (fresh) {
            if (pointing == InputSource.NO_FINGER) pointing = slot;
            if (isUntouched()) pending.add(EventCodes.EV_KEY, EventCodes.BTN_TOUCH, 1);
            source.fingers[finger] = slot;
            touching[slot] = true;
            pending.reserve(LIFT);
        }
        if (slot == pointing) {
            pending.add(EventCodes.EV_ABS, EventCodes.ABS_X, toX);
            pending.add(EventCodes.EV_ABS, EventCodes.ABS_Y, toY);
        }
        end();
    }

    private int freeSlot() {
        for (int slot = 0; slot < touching.length; slot++) {
            if (!touching[slot]) return slot;
        }
        return InputSource.NO_FINGER;
    }

    private boolean isUntouched() {
        for (boolean one : touching) {
            if (one) return false;
        }
        return true;
    }

    synchronized void lift(InputSource source, int finger) {
        if (finger < 0 || finger >= InputKind.FINGERS) return;
        int slot = source.fingers[finger];
        if (slot == InputSource.NO_FINGER) return;
        source.fingers[finger] = InputSource.NO_FINGER;
        touching[slot] = false;
        pending.reserve(-LIFT);
        pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_SLOT, slot);
        pending.add(EventCodes.EV_ABS, EventCodes.ABS_MT_TRACKING_ID, -1);
        if (isUntouched()) pending.add(EventCodes.EV_KEY, EventCodes.BTN_TOUCH, 0);
        if (slot == pointing) pointing = anyFinger();
        end();
    }

    private int anyFinger() {
        for (int slot = 0; slot < touching.length; slot++) {
            if (touching[slot]) return slot;
        }
        return InputSource.NO_FINGER;
    }

    /** The loop takes events now; events added from here on wake it again. */
    synchronized void awake() {
        woken = false;
    }

    synchronized boolean isEmpty() {
        return pending.isEmpty();
    }

    /** The next event, as {@link EventRing} has it; there must be one. On the loop, which alone removes events. */
    synchronized long next() {
        return pending.first();
    }

    /** Removes the event that {@link #next} returned, unless all were removed in between. */
    synchronized void taken() {
        if (!pending.isEmpty()) pending.remove();
    }
}
