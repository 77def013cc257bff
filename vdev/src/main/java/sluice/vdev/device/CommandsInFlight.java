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
 * The commands of one queue that run asynchronously, on {@link Workers} or another device: each is answered when its
 * fence is signalled, in any order. With VIRTIO_F_IN_ORDER the queue holds back early answers.
 *
 * <p>Each command is answered exactly once. A fence of {@link DeviceEnvironment#fences} that is not signalled fails
 * with ETIMEDOUT at its bound. Commands in flight when the queue stops, or the device is reset, are answered at once
 * with ECANCELED, so that a front-end that pauses a VM never waits for them, and no chain is lost. Used on the device's
 * loop; fences are signalled on any thread.
 */
public final class CommandsInFlight {
    private static final Logger LOG = LoggerFactory.getLogger(CommandsInFlight.class);

    /** Writes the answer for the driver. */
    @FunctionalInterface
    public interface Answer {
        /**
         * The command has ended: completes {@code chain}. On the device's loop.
         *
         * @param errno 0 for success, ETIMEDOUT, ECANCELED, or the error of the fence
         */
        void write(Chain chain, int errno);
    }

    /** A command with a pending fence, or with a signalled fence not yet handled on the loop. */
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
    /** In the order in which they were added. */
    private final Set<Command> underWay = new LinkedHashSet<>();
    private @Nullable QueueWorker worker;

    /**
     * Creates it for a stopped queue.
     *
     * @param most limit of commands in flight, 1 or more
     */
    public CommandsInFlight(DeviceLoop loop, int most) {
        if (most < 1) throw new IllegalArgumentException(most + " commands in flight; give 1 or more");
        this.loop = loop;
        this.most = most;
    }

    /** The queue starts; {@code next} takes its chains. For {@link VirtioDevice#startQueue}. */
    public void start(QueueWorker next) {
        worker = next;
    }

    /** Number of unanswered commands. */
    public int count() {
        return underWay.size();
    }

    /** Whether the limit is reached; for {@link QueueWorker.Work#isHeldBack}. */
    public boolean isFull() {
        return underWay.size() >= most;
    }

    /**
     * Adds a command in flight. If its fence is signalled already, it is answered in the loop's next round.
     *
     * @throws IllegalStateException the limit is reached
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
            // The device was closed meanwhile, after its queues were stopped: no command is pending.
            LOG.debug("{}: fence {} was signalled after the device was closed", loop.name(), fence, e);
        }
    }

    private void settle(Command command, int errno) {
        if (!underWay.remove(command)) return; // answered when its queue was stopped
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
            // If the answer throws or does not complete the chain, it is completed here, so that the driver does not
            // wait for ever.
            if (command.chain.isWaiting()) command.chain.complete();
        }
    }

    /** The queue stops. For {@link VirtioDevice#stopQueue}. */
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
