package sluice.vdev.device;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.fence.Fence;
import sluice.dmacore.fence.Subscription;
import sluice.dmacore.linux.Errno;
import sluice.vdev.queue.Chain;

/**
 * The commands of one queue that are carried out elsewhere, by {@link Workers} or another device: each is answered when its fence
 * is signalled, in whatever order that happens. With VIRTIO_F_IN_ORDER the queue holds back what is early.
 *
 * <p>Each command is answered once, whatever happens. A fence of {@link DeviceEnvironment#fences} that nobody signals fails with
 * ETIMEDOUT at its bound. What is under way when the queue stops, or the device is reset, is answered at once with ECANCELED: a
 * front-end that pauses a VM never waits for work of ours, and a driver that goes on has lost no chain. Used on the device's loop;
 * fences are signalled on any thread.
 */
public final class CommandsInFlight {
    private static final Logger LOG = LoggerFactory.getLogger(CommandsInFlight.class);

    /** Writes what the driver is told. */
    @FunctionalInterface
    public interface Answer {
        /**
         * The command is over: completes {@code chain}. On the device's loop.
         *
         * @param errno 0 for success, ETIMEDOUT, ECANCELED, or what the fence failed with
         */
        void write(Chain chain, int errno);
    }

    /** A command whose fence is not signalled, or was and the loop has not been there yet. */
    private static final class Command {
        private final Chain chain;
        private final Answer answer;
        private @Nullable Subscription subscription;

        Command(Chain chain, Answer answer) {
            this.chain = chain;
            this.answer = answer;
        }
    }

    private final DeviceLoop loop;
    private final int most;
    /** In the order in which they were taken. */
    private final Set<Command> underWay = new LinkedHashSet<>();
    private @Nullable QueueWorker worker;

    /**
     * For a queue that does not run yet.
     *
     * @param most commands that may be under way at a time, 1 or more
     */
    public CommandsInFlight(DeviceLoop loop, int most) {
        if (most < 1) throw new IllegalArgumentException(most + " commands in flight; give 1 or more");
        this.loop = loop;
        this.most = most;
    }

    /** The queue runs from now on; {@code next} takes its chains. For {@link VirtioDevice#startQueue}. */
    public void start(QueueWorker next) {
        worker = next;
    }

    /** Commands that are not answered. */
    public int count() {
        return underWay.size();
    }

    /** Whether no chain may be taken now; for {@link QueueWorker.Work#isHeldBack}. */
    public boolean isFull() {
        return underWay.size() >= most;
    }

    /**
     * A command is under way. If its fence is signalled already, it is answered in the loop's next round.
     *
     * @throws IllegalStateException as many are under way as may be
     */
    public void add(Chain chain, Fence fence, Answer answer) {
        if (isFull()) throw new IllegalStateException(most + " commands are in flight, which is the limit");
        Command command = new Command(chain, answer);
        underWay.add(command);
        command.subscription = fence.onSignal(signalled -> settleOnLoop(command, signalled));
    }

    private void settleOnLoop(Command command, Fence fence) {
        try {
            loop.execute(() -> settle(command, fence.error()));
        } catch (RejectedExecutionException e) {
            // The device was closed meanwhile, and its queues were stopped before: nobody waits.
            LOG.debug("{}: fence {} was signalled after the device was closed", loop.name(), fence, e);
        }
    }

    private void settle(Command command, int errno) {
        if (!underWay.remove(command)) return; // its queue was stopped, and it was answered then
        QueueWorker present = worker;
        try {
            answer(command, errno);
        } finally {
            if (present != null) present.resume();
        }
    }

    private static void answer(Command command, int errno) {
        try {
            command.answer.write(command.chain, errno);
        } finally {
            // An answer that throws, or forgets the chain, leaves no driver waiting for ever.
            if (command.chain.isWaiting()) command.chain.complete();
        }
    }

    /** The queue ends. For {@link VirtioDevice#stopQueue}. */
    public void stop() {
        List<Command> left = List.copyOf(underWay);
        underWay.clear();
        worker = null;
        RuntimeException failure = null;
        for (Command command : left) {
            Subscription subscription = command.subscription;
            if (subscription != null) subscription.remove();
            try {
                answer(command, Errno.ECANCELED);
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        if (failure != null) throw failure;
    }
}
