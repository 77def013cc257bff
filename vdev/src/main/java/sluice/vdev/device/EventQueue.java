package sluice.vdev.device;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/**
 * A queue of device-writable buffers for events, such as the event queues of virtio-input and virtio-media. Events are
 * delivered in order, one per buffer, and none is dropped: without a buffer they are pending, and beyond a limit {@link
 * #send} refuses, so that the device stops generating them.
 *
 * <p>A buffer is taken only for an event. Unused buffers stay in the ring, so nothing must be returned when the queue
 * stops, for example when the VM is paused, and pending events are delivered when it runs again. Used on the device's
 * loop.
 */
public final class EventQueue implements QueueWorker.Work {
    private final int index;
    private final int mostWaiting;
    private final Runnable room;
    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private final Counter sent = new Counter();
    private final Counter cut = new Counter();
    /** The size of {@link #waiting}, for other threads. */
    private final Counter queued = new Counter();
    private @Nullable QueueWorker worker;
    private boolean refused;

    /**
     * Creates it for a stopped queue.
     *
     * @param index of the queue
     * @param mostWaiting limit of pending events, 1 or more
     * @param room called when a refused event may be sent again
     */
    public EventQueue(int index, int mostWaiting, Runnable room) {
        if (mostWaiting < 1) throw new IllegalArgumentException(mostWaiting + " waiting events; give 1 or more");
        this.index = index;
        this.mostWaiting = mostWaiting;
        this.room = room;
    }

    /** Registers its counters, as {@code name.sent} and so on. */
    public void register(Report report, String name) {
        report.counter(name + ".sent", "events", "Events delivered to drivers.", sent);
        report.counter(name + ".cut", "events", "Of those, events for which the driver's buffer was too short.", cut);
        report.gauge(name + ".waiting", "events", "Events waiting for a buffer.", queued);
    }

    /** The queue starts; {@link #run} follows. For {@link VirtioDevice#startQueue}. */
    public void start(Virtqueue queue, DeviceContext context) {
        worker = new QueueWorker(index, queue, context, this);
    }

    /** The queue stops; pending events are kept. For {@link VirtioDevice#stopQueue}. */
    public void stop() {
        worker = null;
    }

    /** Drops pending events, which do not concern the next driver. For {@link VirtioDevice#reset}. */
    public void clear() {
        waiting.clear();
        queued.add(-queued.getAsLong());
        refused = false;
    }

    /** The driver may have added buffers. For {@link VirtioDevice#notified}. */
    public void run() {
        QueueWorker present = worker;
        if (present == null) return;
        present.run();
        if (waiting.isEmpty()) present.leavePosted();
        if (refused && waiting.size() < mostWaiting) {
            refused = false;
            room.run();
        }
    }

    /**
     * Delivers an event, now or when a buffer is available.
     *
     * @param event kept until it is delivered
     * @return false if the limit is reached: nothing was queued; the device sends it again when {@code room} is called
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

    /** Number of pending events. */
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
