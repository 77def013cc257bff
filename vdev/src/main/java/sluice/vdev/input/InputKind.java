package sluice.vdev.input;

import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** The kinds of input devices, and the events that each can send and take. */
public enum InputKind {
    /** 248 keys and five lights; the guest repeats keys by itself. */
    KEYBOARD("Sluice Keyboard", 1) {
        @Override
        void describe(Map<Integer, BitSet> events, Map<Integer, Axis> axes) {
            events.put(EventCodes.EV_KEY, bits(IntStream.rangeClosed(1, EventCodes.LAST_KEY)));
            events.put(EventCodes.EV_LED, bits(IntStream.range(0, EventCodes.LEDS)));
            // No bit: Linux repeats keys if the type is there at all.
            events.put(EventCodes.EV_REP, bits(IntStream.of(0)));
        }
    },
    /** A pointer that is moved to a position, five buttons and two wheels. */
    TABLET("Sluice Tablet", 2) {
        @Override
        void describe(Map<Integer, BitSet> events, Map<Integer, Axis> axes) {
            events.put(EventCodes.EV_KEY, bits(IntStream.rangeClosed(EventCodes.BTN_LEFT, EventCodes.BTN_EXTRA)));
            events.put(EventCodes.EV_REL, bits(IntStream.of(EventCodes.REL_WHEEL, EventCodes.REL_HWHEEL)));
            axes.put(EventCodes.ABS_X, Axis.POSITION);
            axes.put(EventCodes.ABS_Y, Axis.POSITION);
        }
    },
    /** A screen that ten fingers can touch (Linux's multi-touch protocol B). */
    TOUCH("Sluice Touchscreen", 3) {
        @Override
        void describe(Map<Integer, BitSet> events, Map<Integer, Axis> axes) {
            events.put(EventCodes.EV_KEY, bits(IntStream.of(EventCodes.BTN_TOUCH)));
            axes.put(EventCodes.ABS_X, Axis.POSITION);
            axes.put(EventCodes.ABS_Y, Axis.POSITION);
            axes.put(EventCodes.ABS_MT_SLOT, new Axis(0, FINGERS - 1));
            axes.put(EventCodes.ABS_MT_POSITION_X, Axis.POSITION);
            axes.put(EventCodes.ABS_MT_POSITION_Y, Axis.POSITION);
            axes.put(EventCodes.ABS_MT_TRACKING_ID, new Axis(0, TRACKING_IDS - 1));
        }
    };

    /** Positions on an axis: 0 to this number less one. */
    public static final int POSITIONS = 1 << 15;
    /** Fingers of a touchscreen. */
    public static final int FINGERS = 10;
    /** Numbers of contacts, which are used again. */
    static final int TRACKING_IDS = 1 << 16;

    /** The values of an absolute axis. */
    record Axis(int minimum, int maximum) {
        static final Axis POSITION = new Axis(0, POSITIONS - 1);
    }

    private final String title;
    private final int product;
    @SuppressWarnings("ImmutableEnumChecker") // filled by the constructor, and never changed
    private final Map<Integer, BitSet> events = new TreeMap<>();
    @SuppressWarnings("ImmutableEnumChecker") // as events
    private final Map<Integer, Axis> axes = new TreeMap<>();

    InputKind(String title, int product) {
        this.title = title;
        this.product = product;
        describe(events, axes);
        if (!axes.isEmpty())
            events.put(EventCodes.EV_ABS, bits(axes.keySet().stream().mapToInt(Integer::intValue)));
    }

    /**
     * Adds what the kind has.
     *
     * @param byType codes of each type of event
     * @param absolute axes by their codes
     */
    abstract void describe(Map<Integer, BitSet> byType, Map<Integer, Axis> absolute);

    private static BitSet bits(IntStream codes) {
        BitSet set = new BitSet();
        codes.forEach(set::set);
        return set;
    }

    /** The device's name, as a guest shows it. */
    public String title() {
        return title;
    }

    /** Product number, by which a guest can tell the kinds apart. */
    int product() {
        return product;
    }

    /** Codes of each type of event. */
    Map<Integer, BitSet> events() {
        return events;
    }

    /** Axes by their codes. */
    Map<Integer, Axis> axes() {
        return axes;
    }

    /** Whether the kind has this event. */
    boolean has(int type, int code) {
        BitSet codes = events.get(type);
        return codes != null && code >= 0 && codes.get(code);
    }

    /**
     * The value on an axis of the middle of a pixel, so that a guest with a screen of the same size finds that pixel.
     *
     * @param pixel is moved to the screen's edge if it is outside
     * @param pixels of the screen, 1 or more
     */
    static int position(int pixel, int pixels) {
        long inside = Math.clamp(pixel, 0, pixels - 1);
        return (int) ((2 * inside + 1) * POSITIONS / (2L * pixels));
    }
}
