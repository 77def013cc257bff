package sluice.vdev.device;

/**
 * The input devices of a seat, as one source of input sees them: a viewer of the screen, a device of the host, a
 * script. Obtained from {@link InputSeats#open}.
 *
 * <p>Every method may be called on any thread and never blocks. Each call is one packet: a guest sees all of it or
 * nothing. What no device of the seat supports, what arrives while no driver runs, and what exceeds the device's limit
 * of pending events is dropped and counted by the device. A release is never dropped if its press was delivered: no
 * key remains pressed.
 */
public interface InputSink extends AutoCloseable {
    /** Bit of {@code buttons} for the left button. */
    int LEFT = 1;
    /** Bit of {@code buttons} for the middle button. */
    int MIDDLE = 1 << 1;
    /** Bit of {@code buttons} for the right button. */
    int RIGHT = 1 << 2;
    /** Bit of {@code buttons} for the button "back" (Linux BTN_SIDE). */
    int BACK = 1 << 3;
    /** Bit of {@code buttons} for the button "forward" (Linux BTN_EXTRA). */
    int FORWARD = 1 << 4;

    /**
     * A key of a keyboard is pressed or released. Several sources may press the same key: it is released with the last.
     *
     * @param code key code of Linux (linux/input-event-codes.h), such as 30 for KEY_A; other codes are dropped
     */
    void key(int code, boolean pressed);

    /**
     * The pointer is at this pixel, with these buttons pressed and all others released.
     *
     * @param x from 0; positions outside of the screen are moved to its edge
     * @param y from 0
     * @param width of the screen in pixels, 1 or more
     * @param height of the screen in pixels, 1 or more
     * @param buttons bits {@link #LEFT} to {@link #FORWARD}; others are ignored
     */
    void pointer(int x, int y, int width, int height, int buttons);

    /**
     * The wheel is turned.
     *
     * @param up detents away from the user; negative towards the user
     * @param right detents to the right; negative to the left
     */
    void scroll(int up, int right);

    /**
     * A finger touches the screen at this pixel, moves there, or leaves it.
     *
     * @param slot which finger, from 0; fingers beyond the device's number are dropped
     * @param x from 0; positions outside of the screen are moved to its edge
     * @param y from 0
     * @param width of the screen in pixels, 1 or more
     * @param height of the screen in pixels, 1 or more
     * @param touching false if the finger leaves the screen; the position is then ignored
     */
    void touch(int slot, int x, int y, int width, int height, boolean touching);

    /** The source has ended: releases all keys, buttons and fingers that it holds. Later calls have no effect. */
    @Override
    void close();
}
