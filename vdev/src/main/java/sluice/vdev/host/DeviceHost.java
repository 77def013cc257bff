package sluice.vdev.host;

import java.util.function.IntConsumer;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.io.EventWatch;
import sluice.vdev.io.NextRound;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * Runs one {@link VirtioDevice} on its own loop.
 *
 * <p>Transports call the public methods from their control loop, at any time and without waiting; each is carried out on
 * the device's loop in the order of the calls, and answers through its callback, which runs there too. Descriptors and
 * memory generations handed in belong to the host.
 */
public final class DeviceHost implements DeviceContext {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceHost.class);

    private final VirtioDevice device;
    private final IoEventLoop loop;
    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation guestAddresses = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final FrontTranslation userAddresses = new IdentityTranslation(view, GuestMemory.Addressing.USER);
    private final RunningQueue[] queues;
    private final NextRound nextRound;
    private final long pollNanos;

    /** A host that waits for kicks as soon as a queue is empty. */
    public DeviceHost(VirtioDevice device, IoEventLoop loop) {
        this(device, loop, 0);
    }

    /** @param pollNanos see {@link DeviceContext#pollNanos} */
    public DeviceHost(VirtioDevice device, IoEventLoop loop, long pollNanos) {
        this.device = device;
        this.loop = loop;
        this.pollNanos = pollNanos;
        this.nextRound = new NextRound(loop, this::lookAgain);
        this.queues = new RunningQueue[device.queueCount()];
        for (int i = 0; i < queues.length; i++) {
            int index = i;
            queues[i] = new RunningQueue(() -> look(index));
        }
    }

    public VirtioDevice device() {
        return device;
    }

    /** The device's loop. */
    public IoEventLoop loop() {
        return loop;
    }

    private void post(Runnable task) {
        loop.execute(() -> {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                // Contained here: one request that fails must not end the device, nor its neighbours.
                LOG.error("the device's loop could not carry out a request", e);
            }
        });
    }

    /** Works with {@code next} from now on; {@code done} runs when nobody uses the generation before. */
    public void adopt(GuestMemory next, Runnable done) {
        post(() -> {
            view.adopt(next);
            done.run();
        });
    }

    /** The driver has settled its features. */
    public void start(long features) {
        post(() -> {
            nextRound.open();
            device.start(features, this);
        });
    }

    /** Starts queue {@code index}; {@code kick} is watched from now on. */
    public void startQueue(int index, QueueStart start, Fd kick) {
        post(() -> {
            RunningQueue running = queues[index];
            running.setKick(EventWatch.start(loop, kick, running.look));
            FrontTranslation rings = start.rings() == GuestMemory.Addressing.USER ? userAddresses : guestAddresses;
            Virtqueue queue = Virtqueue.open(start.layout(), start.position(), RingFeatures.of(start.features()), rings,
                    guestAddresses, running);
            running.setQueue(queue);
            device.startQueue(index, queue);
            look(index);
        });
    }

    /** Watches another descriptor for the kicks of a queue that runs. */
    public void replaceKick(int index, Fd kick) {
        post(() -> {
            RunningQueue running = queues[index];
            running.setKick(EventWatch.start(loop, kick, running.look));
            look(index);
        });
    }

    /** Interrupts go to {@code call} from now on, or nowhere. */
    public void setCall(int index, @Nullable Fd call) {
        post(() -> queues[index].setCall(call));
    }

    /** Errors of the queue are told to {@code error} from now on, or nobody. */
    public void setError(int index, @Nullable Fd error) {
        post(() -> queues[index].setError(error));
    }

    /** A queue that is not enabled is not looked at; {@code done} runs when that is so. */
    public void enable(int index, boolean enabled, Runnable done) {
        post(() -> {
            queues[index].setEnabled(enabled);
            done.run();
            look(index);
        });
    }

    /** Stops a queue; {@code position} gets where it has come to, when the driver has got back all it can. */
    public void stopQueue(int index, IntConsumer position) {
        post(() -> position.accept(stop(index)));
    }

    private int stop(int index) {
        RunningQueue running = queues[index];
        Virtqueue queue = running.queue();
        running.setKick(null);
        if (queue == null) return 0;
        device.stopQueue(index);
        queue.publish();
        if (queue.inFlight() > 0) {
            LOG.warn("queue {} stops with {} chains open", index, queue.inFlight());
        }
        int position = queue.position();
        queue.stop();
        running.setQueue(null);
        return position;
    }

    /** Puts the device back to power-on; its queues, if any still run, are stopped first. */
    public void reset(Runnable done) {
        post(() -> {
            for (int i = 0; i < queues.length; i++) stop(i);
            device.reset();
            done.run();
        });
    }

    /** The front-end has gone: everything of its is given back, the device is as after power-on. */
    public void detach(Runnable done) {
        post(() -> {
            for (int i = 0; i < queues.length; i++) {
                stop(i);
                queues[i].setEnabled(false);
                queues[i].close();
            }
            device.reset();
            nextRound.close();
            view.adopt(GuestMemory.empty());
            done.run();
        });
    }

    /** Runs {@code task} on the device's loop. */
    public void execute(Runnable task) {
        post(task);
    }

    /** Lets the device look at a queue, if it runs. */
    private void look(int index) {
        if (!queues[index].isRunning()) return;
        try {
            device.notified(index);
        } catch (RuntimeException | Error e) {
            broken(index, new Polled.Broken("internal error: " + e));
            LOG.error("queue {} failed", index, e);
        }
    }

    @Override
    public FrontTranslation memory() {
        return guestAddresses;
    }

    @Override
    public long pollNanos() {
        return pollNanos;
    }

    @Override
    public void callAgain(int index) {
        queues[index].setDue(true);
        nextRound.request();
    }

    private void lookAgain() {
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].isDue()) continue;
            queues[i].setDue(false);
            look(i);
        }
    }

    @Override
    public void stalled(int index, Polled.Stalled where) {
        // No translation of this transport is a cache, so nothing is ever filled later.
        throw new IllegalStateException("queue %d stalls at 0x%x without an IOMMU".formatted(index, where.address()));
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        RunningQueue running = queues[index];
        if (running.isBroken()) return;
        running.setBroken();
        LOG.error("queue {} stops until the device is reset: {}", index, why.reason());
        running.setKick(null);
        Virtqueue queue = running.queue();
        if (queue != null) queue.stop();
        running.raiseError();
    }
}
