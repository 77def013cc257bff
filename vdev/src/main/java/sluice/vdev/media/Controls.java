package sluice.vdev.media;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/** The controls of a session, with the rules of Linux's control framework (v4l2-ctrls-api.c). */
final class Controls {
    private static final int ID_MASK = 0x0fff_ffff;
    private static final int CLASS_MASK = 0x0fff_0000;

    /** In the order of their ids. */
    private final List<ControlInfo> all;
    private final int[] values;

    /** @param all in the order of their ids; a session's own values begin with the standard ones */
    Controls(List<ControlInfo> all) {
        this.all = all;
        values = new int[all.size()];
        for (int i = 0; i < values.length; i++) values[i] = all.get(i).standard();
    }

    private int indexOf(int id) {
        for (int i = 0; i < values.length; i++) {
            if (all.get(i).id() == id) return i;
        }
        return -1;
    }

    @Nullable
    ControlInfo find(int id) {
        int index = indexOf(id);
        return index < 0 ? null : all.get(index);
    }

    /** The control of QUERYCTRL: that of the id, or the next one. */
    private @Nullable ControlInfo asked(int id) {
        if ((id & (V4l2.CTRL_NEXT | V4l2.CTRL_NEXT_COMPOUND)) == 0) return find(id);
        if ((id & V4l2.CTRL_NEXT) == 0) return null; // there are no compound controls
        for (ControlInfo control : all) {
            if (control.id() > (id & ID_MASK)) return control;
        }
        return null;
    }

    /** The present value of a control that there is. */
    int value(int id) {
        int index = indexOf(id);
        if (index < 0) throw new IllegalArgumentException("there is no control 0x" + Integer.toHexString(id));
        return values[index];
    }

    /** The device changes a value; false if it is the same. */
    boolean change(int id, int value) {
        int index = indexOf(id);
        if (index < 0 || values[index] == value) return false;
        values[index] = value;
        return true;
    }

    int query(Struct.QueryControl query) {
        ControlInfo control = asked(query.id());
        if (control == null) return Errno.EINVAL;
        query.set(control);
        return 0;
    }

    int query(Struct.QueryExtControl query) {
        ControlInfo control = asked(query.id());
        if (control == null) return Errno.EINVAL;
        query.set(control);
        return 0;
    }

    int query(Struct.QueryMenu query) {
        ControlInfo control = find(query.id());
        if (control == null || !control.hasItem(query.index())) return Errno.EINVAL;
        query.set(control.menu().get(query.index()));
        return 0;
    }

    int get(Struct.Control one) {
        ControlInfo control = find(one.id());
        if (control == null) return Errno.EINVAL;
        if (!control.isReadable()) return Errno.EACCES;
        one.setValue(value(control.id()));
        return 0;
    }

    int set(Struct.Control one) {
        int index = indexOf(one.id());
        if (index < 0) return Errno.EINVAL;
        ControlInfo control = all.get(index);
        if (!control.isWritable()) return Errno.EACCES;
        int failed = check(control, one.value());
        if (failed != 0) return failed;
        values[index] = rounded(control, one.value());
        one.setValue(values[index]);
        return 0;
    }

    private static int check(ControlInfo control, int value) {
        if (control.type() != V4l2.CTRL_MENU || control.hasItem(value)) return 0;
        return value < control.least() || value > control.most() ? Errno.ERANGE : Errno.EINVAL;
    }

    /** Numbers that are out of range become the nearest, and a button has none. */
    private static int rounded(ControlInfo control, int value) {
        return switch (control.type()) {
            case V4l2.CTRL_BOOLEAN -> value == 0 ? 0 : 1;
            case V4l2.CTRL_BUTTON -> 1;
            default -> Math.clamp(value, control.least(), control.most());
        };
    }

    int get(Struct.ExtControls list) {
        list.setErrorIndex(list.count());
        if (list.count() == 0) return checkClass(list.which());
        boolean standard = list.which() == V4l2.CTRL_WHICH_DEFAULT;
        int failed = check(list, standard ? 0 : list.which(), list.count());
        if (failed != 0) return failed;
        for (int i = 0; i < list.count(); i++) {
            ControlInfo control = find(list.id(i));
            if (control == null || !control.isReadable()) return Errno.EACCES;
        }
        for (int i = 0; i < list.count(); i++) {
            int index = indexOf(list.id(i));
            list.setValue(i, standard ? all.get(index).standard() : values[index]);
        }
        return 0;
    }

    /** @param set whether it is S_EXT_CTRLS, whose error index does not say which control is wrong */
    int trySet(Struct.ExtControls list, boolean set) {
        list.setErrorIndex(list.count());
        if (list.which() == V4l2.CTRL_WHICH_DEFAULT) return Errno.EINVAL;
        if (list.count() == 0) return checkClass(list.which());
        for (int i = 0; i < list.count(); i++) {
            if (!set) list.setErrorIndex(i);
            int failed = check(list, list.which(), i + 1);
            if (failed != 0) return failed;
        }
        for (int i = 0; i < list.count(); i++) {
            if (!set) list.setErrorIndex(i);
            ControlInfo control = all.get(indexOf(list.id(i)));
            int failed = control.isWritable() ? check(control, list.value(i)) : Errno.EACCES;
            if (failed != 0) return failed;
        }
        list.setErrorIndex(list.count());
        for (int i = 0; i < list.count(); i++) {
            int index = indexOf(list.id(i));
            int value = rounded(all.get(index), list.value(i));
            if (set) values[index] = value;
            list.setValue(i, value);
        }
        return 0;
    }

    private int check(Struct.ExtControls list, int which, int count) {
        for (int i = 0; i < count; i++) {
            int id = list.id(i);
            if (which != 0 && (id & CLASS_MASK) != (which & CLASS_MASK)) return Errno.EINVAL;
            if (indexOf(id) < 0) return Errno.EINVAL;
        }
        return 0;
    }

    private int checkClass(int which) {
        if (which == 0 || which == V4l2.CTRL_WHICH_DEFAULT) return 0;
        for (ControlInfo control : all) {
            if ((control.id() & CLASS_MASK) == which) return 0;
        }
        return Errno.EINVAL;
    }
}
