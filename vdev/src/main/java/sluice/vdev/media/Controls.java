package sluice.vdev.media;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * The controls of a decoder, with the rules of Linux's control framework (v4l2-ctrls-api.c). Profiles and levels are not
 * among them: codec libraries do not tell which they decode.
 */
final class Controls {
    private static final ControlInfo CLASS = new ControlInfo(V4l2.CID_USER_CLASS, V4l2.CTRL_CLASS, "User Controls", 0,
            0,
            0, 0, V4l2.CTRL_READ_ONLY | V4l2.CTRL_WRITE_ONLY);
    private static final ControlInfo MIN_BUFFERS = new ControlInfo(V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, V4l2.CTRL_INTEGER,
            "Min Number of Capture Buffers", 1, BufferQueue.MOST_BUFFERS, 1, 1, V4l2.CTRL_READ_ONLY);
    /** In the order of their ids. */
    private static final List<ControlInfo> ALL = List.of(CLASS, MIN_BUFFERS);
    private static final int ID_MASK = 0x0fff_ffff;
    private static final int CLASS_MASK = 0x0fff_0000;

    private Controls() {}

    static @Nullable ControlInfo find(int id) {
        for (ControlInfo control : ALL) {
            if (control.id() == id) return control;
        }
        return null;
    }

    /** The control of QUERYCTRL: that of the id, or the next one. */
    private static @Nullable ControlInfo asked(int id) {
        if ((id & (V4l2.CTRL_NEXT | V4l2.CTRL_NEXT_COMPOUND)) == 0) return find(id);
        if ((id & V4l2.CTRL_NEXT) == 0) return null; // there are no compound controls
        for (ControlInfo control : ALL) {
            if (control.id() > (id & ID_MASK)) return control;
        }
        return null;
    }

    /** The present value: pictures wait in memory of our own, so a decoder needs no more than one buffer. */
    static int value(ControlInfo control) {
        return control.standard();
    }

    static int query(Struct.QueryControl query) {
        ControlInfo control = asked(query.id());
        if (control == null) return Errno.EINVAL;
        query.set(control);
        return 0;
    }

    static int query(Struct.QueryExtControl query) {
        ControlInfo control = asked(query.id());
        if (control == null) return Errno.EINVAL;
        query.set(control);
        return 0;
    }

    static int get(Struct.Control one) {
        ControlInfo control = find(one.id());
        if (control == null) return Errno.EINVAL;
        if ((control.flags() & V4l2.CTRL_WRITE_ONLY) != 0) return Errno.EACCES;
        one.setValue(value(control));
        return 0;
    }

    static int set(Struct.Control one) {
        ControlInfo control = find(one.id());
        if (control == null) return Errno.EINVAL;
        // None can be written so far.
        return Errno.EACCES;
    }

    static int get(Struct.ExtControls all) {
        all.setErrorIndex(all.count());
        if (all.count() == 0) return checkClass(all.which());
        int failed = check(all, all.which() == V4l2.CTRL_WHICH_DEFAULT ? 0 : all.which(), all.count());
        if (failed != 0) return failed;
        for (int i = 0; i < all.count(); i++) {
            ControlInfo control = find(all.id(i));
            if (control == null || (control.flags() & V4l2.CTRL_WRITE_ONLY) != 0) return Errno.EACCES;
        }
        for (int i = 0; i < all.count(); i++) {
            ControlInfo control = find(all.id(i));
            if (control == null) continue;
            all.setValue(i, all.which() == V4l2.CTRL_WHICH_DEFAULT ? control.standard() : value(control));
        }
        return 0;
    }

    /** @param set whether it is S_EXT_CTRLS, whose error index does not say which control is wrong */
    static int trySet(Struct.ExtControls all, boolean set) {
        all.setErrorIndex(all.count());
        if (all.which() == V4l2.CTRL_WHICH_DEFAULT) return Errno.EINVAL;
        if (all.count() == 0) return checkClass(all.which());
        for (int i = 0; i < all.count(); i++) {
            if (!set) all.setErrorIndex(i);
            int failed = check(all, all.which(), i + 1);
            if (failed != 0) return failed;
        }
        if (!set) all.setErrorIndex(0);
        return Errno.EACCES; // none can be written
    }

    private static int check(Struct.ExtControls all, int which, int count) {
        for (int i = 0; i < count; i++) {
            int id = all.id(i);
            if (which != 0 && (id & CLASS_MASK) != (which & CLASS_MASK)) return Errno.EINVAL;
            if (find(id) == null) return Errno.EINVAL;
        }
        return 0;
    }

    private static int checkClass(int which) {
        boolean known = which == 0 || which == V4l2.CTRL_WHICH_DEFAULT || which == (V4l2.CID_USER_CLASS & CLASS_MASK);
        return known ? 0 : Errno.EINVAL;
    }
}
