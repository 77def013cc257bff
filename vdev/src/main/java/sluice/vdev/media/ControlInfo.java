package sluice.vdev.media;

import java.util.List;

/**
 * What a client may learn of a control, as struct v4l2_queryctrl has it.
 *
 * @param menu the items of a menu by their values, "" for one that cannot be chosen; empty for other controls
 */
record ControlInfo(int id, int type, String label, int least, int most, int step, int standard, int flags,
        List<String> menu) {
    /** A control that is no menu. */
    ControlInfo(int id, int type, String label, int least, int most, int step, int standard, int flags) {
        this(id, type, label, least, most, step, standard, flags, List.of());
    }

    static ControlInfo integer(int id, String label, int least, int most, int standard) {
        return new ControlInfo(id, V4l2.CTRL_INTEGER, label, least, most, 1, standard, 0);
    }

    static ControlInfo menu(int id, String label, int standard, int flags, String... items) {
        int least = 0;
        while (items[least].isEmpty())
            least++;
        return new ControlInfo(id, V4l2.CTRL_MENU, label, least, items.length - 1, 1, standard, flags, List.of(items));
    }

    /** A class, whose controls have ids from its own on. */
    static ControlInfo ofClass(int id, String label) {
        return new ControlInfo(id, V4l2.CTRL_CLASS, label, 0, 0, 0, 0, V4l2.CTRL_READ_ONLY | V4l2.CTRL_WRITE_ONLY);
    }

    boolean isReadable() {
        return (flags & V4l2.CTRL_WRITE_ONLY) == 0;
    }

    boolean isWritable() {
        return (flags & V4l2.CTRL_READ_ONLY) == 0;
    }

    boolean hasItem(int value) {
        return value >= 0 && value < menu.size() && !menu.get(value).isEmpty();
    }
}
