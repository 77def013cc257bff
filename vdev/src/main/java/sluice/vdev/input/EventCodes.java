package sluice.vdev.input;

/** Types and codes of input events, as in Linux's {@code linux/input-event-codes.h}, which virtio uses (§5.8). */
public final class EventCodes {
    public static final int EV_SYN = 0x00;
    public static final int EV_KEY = 0x01;
    public static final int EV_REL = 0x02;
    public static final int EV_ABS = 0x03;
    public static final int EV_LED = 0x11;
    public static final int EV_REP = 0x14;

    /** Ends a packet: what was sent before it happened at once. */
    public static final int SYN_REPORT = 0;
    /** Events were lost; the state must be read again. */
    public static final int SYN_DROPPED = 3;

    /** The last key of a keyboard that has a name, KEY_MICMUTE. */
    public static final int LAST_KEY = 248;
    public static final int BTN_LEFT = 0x110;
    public static final int BTN_RIGHT = 0x111;
    public static final int BTN_MIDDLE = 0x112;
    public static final int BTN_SIDE = 0x113;
    public static final int BTN_EXTRA = 0x114;
    public static final int BTN_TOUCH = 0x14a;
    /** Number of key codes. */
    public static final int KEYS = 0x300;

    public static final int REL_HWHEEL = 0x06;
    public static final int REL_WHEEL = 0x08;

    public static final int ABS_X = 0x00;
    public static final int ABS_Y = 0x01;
    /** The finger that later events concern. */
    public static final int ABS_MT_SLOT = 0x2f;
    public static final int ABS_MT_POSITION_X = 0x35;
    public static final int ABS_MT_POSITION_Y = 0x36;
    /** Number of a contact, or -1 when it ends. */
    public static final int ABS_MT_TRACKING_ID = 0x39;

    /** Lights of a keyboard: num lock, caps lock, scroll lock, compose, kana. */
    public static final int LEDS = 5;

    /** INPUT_PROP_DIRECT: the device is the screen that is touched. */
    public static final int PROP_DIRECT = 1;

    private EventCodes() {}
}
