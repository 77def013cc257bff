package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * The events of a session that wait for a buffer of the driver. A buffer waits at most once, and so does a subscription,
 * whose events are merged as Linux does (v4l2-event.c): nothing is dropped, and the list is no longer than both together.
 */
final class SessionEvents {
    /** struct virtio_media_event_header. */
    private static final int HEADER_BYTES = 8;
    /** struct virtio_media_event_error. */
    static final int ERROR_BYTES = 16;
    /** struct virtio_media_event_dqbuf. */
    static final int DQBUF_BYTES = HEADER_BYTES + Struct.Buffer.BYTES + Struct.MAX_PLANES * Struct.Plane.BYTES;
    /** struct virtio_media_event_event. */
    static final int EVENT_BYTES = HEADER_BYTES + 136;
    private static final int EVT_ERROR = 0;
    private static final int EVT_DQBUF = 1;
    private static final int EVT_EVENT = 2;
    /** EOS, the change of source, and each control. */
    private static final int MOST_SUBSCRIPTIONS = 16;

    /** An event that the client wants to know of. */
    private static final class Subscription {
        private final int type;
        private final int id;
        private boolean waiting;
        private int changes;

        Subscription(int type, int id) {
            this.type = type;
            this.id = id;
        }
    }

    private final int session;
    private final Controls controls;
    private final boolean sourceChanges;
    private final List<Subscription> subscriptions = new ArrayList<>();
    /** Buffers and subscriptions. */
    private final Deque<Object> waiting = new ArrayDeque<>();
    private int sequence;
    private int error;

    /** @param sourceChanges whether there are events of changes of the source: a decoder's stream changes, an encoder's does not */
    SessionEvents(int session, Controls controls, boolean sourceChanges) {
        this.session = session;
        this.controls = controls;
        this.sourceChanges = sourceChanges;
    }

    int subscribe(Struct.Subscription wanted) {
        int type = wanted.type();
        boolean known = type == V4l2.EVENT_EOS || (type == V4l2.EVENT_SOURCE_CHANGE && sourceChanges)
                || (type == V4l2.EVENT_CTRL && controls.find(wanted.id()) != null);
        if (!known) return Errno.EINVAL;
        if (find(type, wanted.id()) != null) return 0;
        if (subscriptions.size() == MOST_SUBSCRIPTIONS) return Errno.ENOMEM;
        Subscription made = new Subscription(type, wanted.id());
        subscriptions.add(made);
        ControlInfo control = type == V4l2.EVENT_CTRL ? controls.find(wanted.id()) : null;
        if (control != null && control.type() != V4l2.CTRL_CLASS && (wanted.flags() & V4l2.EVENT_SEND_INITIAL) != 0)
            signal(made, V4l2.CHANGED_VALUE | V4l2.CHANGED_FLAGS);
        return 0;
    }

    int unsubscribe(Struct.Subscription wanted) {
        if (wanted.type() == V4l2.EVENT_ALL) {
            waiting.removeIf(Subscription.class::isInstance);
            subscriptions.clear();
            return 0;
        }
        Subscription found = find(wanted.type(), wanted.id());
        if (found == null) return 0;
        waiting.remove(found);
        subscriptions.remove(found);
        return 0;
    }

    private @Nullable Subscription find(int type, int id) {
        for (Subscription one : subscriptions) {
            if (one.type == type && one.id == id) return one;
        }
        return null;
    }

    private void signal(Subscription to, int changes) {
        to.changes |= changes;
        if (to.waiting) return;
        to.waiting = true;
        waiting.add(to);
    }

    /** An event for all who subscribed to its type, and to {@code id} if it is a control's. */
    void signal(int type, int id, int changes) {
        for (Subscription one : subscriptions) {
            if (one.type == type && (type != V4l2.EVENT_CTRL || one.id == id)) signal(one, changes);
        }
    }

    /** A buffer goes back to the client. */
    void done(MediaBuffer buffer) {
        buffer.setState(MediaBuffer.State.DONE);
        waiting.add(buffer);
    }

    /** The events of a queue's buffers are not sent any more: its stream has ended. */
    void forget(int type) {
        waiting.removeIf(one -> one instanceof MediaBuffer buffer && buffer.type() == type);
    }

    /** The session is broken: nothing else is sent any more. */
    void fail(int errno) {
        waiting.clear();
        error = errno;
    }

    boolean isEmpty() {
        return waiting.isEmpty() && error == 0;
    }

    /**
     * Takes the next event; a buffer stays done until that has been delivered.
     *
     * @return the buffer that it gives back, or null
     */
    @Nullable
    MediaBuffer take(Payload out) {
        if (error != 0) {
            begin(out, ERROR_BYTES, EVT_ERROR);
            out.putU32(HEADER_BYTES, error);
            error = 0;
            return null;
        }
        Object next = waiting.remove();
        if (next instanceof MediaBuffer buffer) {
            begin(out, DQBUF_BYTES, EVT_DQBUF);
            buffer.setState(MediaBuffer.State.DEQUEUED);
            buffer.fill(out, HEADER_BYTES, Struct.MAX_PLANES);
            buffer.setState(MediaBuffer.State.DONE);
            if (buffer.memoryType() == V4l2.MEMORY_USERPTR) clearPointers(out, buffer.planes());
            return buffer;
        }
        Subscription one = (Subscription) next;
        begin(out, EVENT_BYTES, EVT_EVENT);
        one.waiting = false;
        fill(one, out);
        one.changes = 0;
        return null;
    }

    private static void clearPointers(Payload out, int planes) {
        for (int i = 0; i < planes; i++)
            out.putU64(HEADER_BYTES + Struct.Buffer.BYTES + i * Struct.Plane.BYTES + 8, 0);
    }

    private void begin(Payload out, int size, int event) {
        out.zeros(size);
        out.putU32(0, event);
        out.putU32(4, session);
    }

    /** struct v4l2_event; its time is 0, because only the driver knows the guest's clock. */
    private void fill(Subscription one, Payload out) {
        int at = HEADER_BYTES;
        out.putU32(at, one.type);
        out.putU32(at + 72, waiting.size());
        out.putU32(at + 76, sequence++);
        out.putU32(at + 96, one.id);
        if (one.type != V4l2.EVENT_EOS) out.putU32(at + 8, one.changes);
        ControlInfo control = one.type == V4l2.EVENT_CTRL ? controls.find(one.id) : null;
        if (control == null) return;
        out.putU32(at + 12, control.type());
        out.putU64(at + 16, controls.value(one.id));
        out.putU32(at + 24, control.flags());
        out.putU32(at + 28, control.least());
        out.putU32(at + 32, control.most());
        out.putU32(at + 36, control.step());
        out.putU32(at + 40, control.standard());
    }
}
