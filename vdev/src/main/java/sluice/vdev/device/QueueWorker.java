package sluice.vdev.device;

import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * Takes chains off one queue and has them worked on, in turns that leave room for others on the loop. What was completed
 * is published at the turn's end, and every few chains in a long one: a driver that keeps many under way then makes new
 * ones while we work. Such a driver's queue is also looked at a moment longer when it runs empty, for the two would
 * otherwise spend their time waking each other up. An idle queue is never looked at.
 */
public final class QueueWorker {
    /** What is done with the chains. */
    public interface Work {
        /** Whether no chain may be taken now; {@link QueueWorker#run} is to be called when that is over. */
        boolean isHeldBack();

        /** Works on a chain, to its completion now or later. */
        void execute(Chain chain);
    }

    /** What a turn may have before others on the loop get theirs: chains, for those that are cheap, and time. */
    private static final int CHAINS_PER_TURN = 64;
    private static final long NANOS_PER_TURN = 4_000_000;
    /** A turn of so many chains is a long one. */
    private static final int CHAINS_PER_PUBLICATION = 8;
    /** How long a queue that was busy is looked at: what it takes a driver to wake up and send more. */
    private static final long LINGER_NANOS = 40_000;

    private final int index;
    private final Virtqueue queue;
    private final DeviceContext context;
    private final Work work;
    private final LongSupplier clock;
    private boolean running;

    public QueueWorker(int index, Virtqueue queue, DeviceContext context, Work work) {
        this(index, queue, context, work, System::nanoTime);
    }

    /** @param clock tells the time in nanoseconds */
    QueueWorker(int index, Virtqueue queue, DeviceContext context, Work work, LongSupplier clock) {
        this.index = index;
        this.queue = queue;
        this.context = context;
        this.work = work;
        this.clock = clock;
    }

    /** One turn. Called again from within, as a completion may do, it leaves the chains to the turn under way. */
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
        // The driver gets back what was carried out before it broke the queue.
        if (queue.publish() instanceof Polled.Stalled stalled) context.stalled(index, stalled);
        context.broken(index, broken);
    }

    /**
     * What held the queue back is over: shows the driver what was completed, and has the queue looked at by whoever runs
     * it. Not at once, for it may be disabled by now.
     */
    public void resume() {
        if (running) return; // the turn under way goes on by itself, and publishes at its end
        publish();
        context.callAgain(index);
    }

    /** Gives the chain that was taken last back to the queue, because the queue stops: whoever starts it again takes it anew. */
    public void takeBack(Chain chain) {
        queue.takeBack(chain);
    }

    private void publish() {
        Polled published = queue.publish();
        if (published instanceof Polled.Stalled stalled) context.stalled(index, stalled);
        if (published instanceof Polled.Broken broken) context.broken(index, broken);
    }

    /** @return what is wrong with the queue, or null */
    private Polled.@Nullable Broken takeChains() {
        long begun = clock.getAsLong();
        for (int taken = 0; !work.isHeldBack(); taken++) {
            if (taken == CHAINS_PER_TURN || clock.getAsLong() - begun > NANOS_PER_TURN) {
                context.callAgain(index);
                return null;
            }
            Polled next = queue.poll();
            if (next == Polled.Empty.EMPTY && taken > 0) next = pollOn(taken);
            switch (next) {
                case Chain chain -> {
                    work.execute(chain);
                    if ((taken + 1) % CHAINS_PER_PUBLICATION == 0) publish();
                }
                case Polled.Empty empty -> {
                    // A buffer that arrived while we asked for notifications is found by polling once more.
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

    /** Looks on for as long as is wanted. The driver sees what is done, and is not asked to notify. */
    private Polled pollOn(int taken) {
        long limit = Math.max(context.pollNanos(), taken < CHAINS_PER_PUBLICATION ? 0 : LINGER_NANOS);
        Polled next = Polled.Empty.EMPTY;
        if (limit == 0) return next;
        publish();
        long begun = clock.getAsLong();
        while (next == Polled.Empty.EMPTY && clock.getAsLong() - begun < limit) {
            Thread.onSpinWait();
            next = queue.poll();
        }
        return next;
    }
}
