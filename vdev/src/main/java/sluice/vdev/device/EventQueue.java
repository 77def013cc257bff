package sluice.vdev.device;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/**
 * A queue whose buffers the driver lends for events, such as the event queues of virtio-input and virtio-media. Events are
 * delivered in the order in which they were sent, one to a buffer, and none is dropped: while there is no buffer they wait, and
 * when too many wait {@link #send} refuses the next, so that a device stops making them.
 *
 * <p>A buffer is taken only when there is an event for it. So one that is lent and not used stays in its ring: there is nothing
 * to give back when the queue stops, as it does when a VM is paused, and what waits is delivered when it runs again. Used on the
 * device's loop.
 */
public final class EventQueue implements QueueWorker.Work {
    private final int index;
    private final int mostWaiting;
    private final Runnable room;
    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private final Counter sent = new Counter();
    private final Counter cut = new Counter();
    /** As many as {@link #waiting} has, for those who look from elsewhere. */
    private final Counter queued = new Counter();
    private @Nullable QueueWorker worker;
    private boolean refused;

    /**
     * A queue that does not run.
     *
     * @param index of the queue
     * @param mostWaiting events that may wait for buffers, 1 or more
     * @param room called when an event that was refused may be sent again
     */
    public EventQueue(int index, int mostWaiting, Runnable room) {
        if (mostWaiting < 1) throw new IllegalArgumentException(mostWaiting + " waiting events; give 1 or more");
        this.index = index;
        this.mostWaiting = mostWaiting;
        this.room = room;
    }

    /** Registers what it counts, as {@code name.sent} and so on. */
    public void register(Report report, String name) {
        report.counter(name + ".sent", "events", "Events that drivers have got.", sent);
        report.counter(name + ".cut", "events", "Of those, events for which the driver's buffer was too short.", cut);
        report.gauge(name + ".waiting", "events", "Events waiting for a buffer.", queued);
    }

    /** The queue runs from now on; {@link #run} follows. For {@link VirtioDevice#startQueue}. */
    public void start(Virtqueue queue, DeviceContext context) {
        worker = new QueueWorker(index, queue, context, this);
    }

    /** The queue ends; what waits goes on waiting. For {@link VirtioDevice#stopQueue}. */
    public void stop() {
        worker = null;
    }

    /** Forgets what waits: it is nothing to the next driver. For {@link VirtioDevice#reset}. */
    public void clear() {
        waiting.clear();
        queued.add(-queued.getAsLong());
        refused = false;
    }

    /** The driver may have lent buffers. For {@link VirtioDevice#notified}. */
    public void run() {
        QueueWorker present = worker;
        if (present == null) return;
        present.run();
        if (refused && waiting.size() < mostWaiting) {
            refused = false;
            room.run();
        }
    }

    /**
     * Delivers an event, now or when there is a buffer.
     *
     * @param event kept until it is delivered
     * @return false if as many wait as may: nothing was taken, and the device sends it again when it is told of room
     */
    public boolean send(byte[] event) {
        if (waiting.size() == mostWaiting) {
            refused = true;
            return false;
        }
        waiting.add(event);
        queued.increment();
        run();
        return true;
    }

    /** Events that wait for a buffer. */
    public int waiting() {
        return waiting.size();
    }

    @Override
    public boolean isHeldBack() {
        return waiting.isEmpty();
    }

    @Override
    public void execute(Chain chain) {
        byte[] event = waiting.remove();
        queued.add(-1);
        if (chain.respond(event, event.length) < event.length) cut.increment();
        sent.increment();
    }
}
