package sluice.vdev.device;

import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * Processes the chains of one queue, in turns that leave time for other work of the loop. Completed chains are
 * published at the end of a turn, and in a long one after 8 chains and 20 µs: an interrupt that wakes a driver costs this thread up to
 * 12 µs, so a driver that is woken too early, by a few of its requests, costs more than it gains. The queue of a driver
 * with many requests in flight is also polled a little longer when it becomes empty, to avoid a wake-up per request. An
 * idle queue is not polled.
 */
public final class QueueWorker {
    /** The processing of chains. */
    public interface Work {
        /** Whether no chain may be taken now; call {@link QueueWorker#run} when this ends. */
        boolean isHeldBack();

        /** Processes a chain; it may be completed later. */
        void execute(Chain chain);
    }

    /** Limits of a turn: number of chains, and time. */
    private static final int CHAINS_PER_TURN = 64;
    private static final long NANOS_PER_TURN = 4_000_000;
    /** What a publication in the middle of a turn takes with it: at least so many chains, of at least so much time. */
    private static final int CHAINS_PER_PUBLICATION = 8;
    private static final long NANOS_PER_PUBLICATION = 20_000;
    /** How long a busy queue is polled when it is empty: the time in which a driver wakes up and sends more. */
    private static final long LINGER_NANOS = 40_000;

    private final int index;
    private final Virtqueue queue;
    private final DeviceContext context;
    private final Work work;
    private final LongSupplier clock;
    private boolean running;
    /** When the clock was read last in this turn. */
    private long now;
    /** When this turn, or its last publication, was, and the chains taken since. */
    private long published;
    private int unpublished;

    public QueueWorker(int index, Virtqueue queue, DeviceContext context, Work work) {
        this(index, queue, context, work, System::nanoTime);
    }

    /** @param clock time in nanoseconds */
    QueueWorker(int index, Virtqueue queue, DeviceContext context, Work work, LongSupplier clock) {
        this.index = index;
        this.queue = queue;
        this.context = context;
        this.work = work;
        this.clock = clock;
    }

    /** Runs one turn. A nested call, as from a completion, leaves the chains to the current turn. */
    public void run() {
        if (running) return;
        running = true;
        Polled.Broken broken;
        try {
            queue.disableNotifications();
            broken = takeChains();
        } finally {
            running = false;
        }
        if (broken == null) {
            publish();
            return;
        }
        // Chains completed before the driver broke the queue are published.
        if (queue.publish() instanceof Polled.Stalled stalled) context.stalled(index, stalled);
        context.broken(index, broken);
    }

    /** When the chain being processed was taken, in nanoseconds of {@link System#nanoTime}. */
    public long takenAt() {
        return now;
    }

    /**
     * The reason for holding back has ended: publishes completed chains, and requests a later poll of the queue. Not at
     * once, because the queue may be disabled by now.
     */
    public void resume() {
        if (running) return; // the current turn continues by itself, and publishes at its end
        publish();
        context.callAgain(index);
    }

    /** Returns the chain taken last to the queue, because the queue stops; it is taken again after a restart. */
    public void takeBack(Chain chain) {
        queue.takeBack(chain);
    }

    /** As {@link Virtqueue#leavePosted}. */
    void leavePosted() {
        queue.leavePosted();
    }

    private void publish() {
        Polled published = queue.publish();
        if (published instanceof Polled.Stalled stalled) context.stalled(index, stalled);
        if (published instanceof Polled.Broken broken) context.broken(index, broken);
    }

    /** @return why the queue is broken, or null */
    private Polled.@Nullable Broken takeChains() {
        long begun = clock.getAsLong();
        now = begun;
        published = begun;
        unpublished = 0;
        for (int taken = 0; !work.isHeldBack(); taken++) {
            if (taken == CHAINS_PER_TURN || now - begun > NANOS_PER_TURN) {
                context.callAgain(index);
                return null;
            }
            Polled next = queue.poll();
            if (next == Polled.Empty.EMPTY && taken > 0) next = pollOn(taken);
            switch (next) {
                case Chain chain -> {
                    work.execute(chain);
                    now = clock.getAsLong();
                    if (++unpublished >= CHAINS_PER_PUBLICATION && now - published >= NANOS_PER_PUBLICATION) {
                        publish();
                        published = now;
                        unpublished = 0;
                    }
                }
                case Polled.Empty empty -> {
                    // A buffer that arrived while notifications were being enabled is found by polling once more.
                    if (!queue.enableNotifications()) return null;
                }
                case Polled.Stalled stalled -> {
                    context.stalled(index, stalled);
                    return null;
                }
                case Polled.Broken broken -> {
                    return broken;
                }
            }
        }
        return null;
    }

    /** Continues polling as configured. Completed chains are published, and notifications stay disabled. */
    private Polled pollOn(int taken) {
        long limit = Math.max(context.pollNanos(), taken < CHAINS_PER_PUBLICATION ? 0 : LINGER_NANOS);
        Polled next = Polled.Empty.EMPTY;
        if (limit == 0) return next;
        publish();
        long begun = clock.getAsLong();
        now = begun;
        while (next == Polled.Empty.EMPTY && now - begun < limit) {
            Thread.onSpinWait();
            next = queue.poll();
            now = clock.getAsLong();
        }
        published = now;
        unpublished = 0;
        return next;
    }
}
