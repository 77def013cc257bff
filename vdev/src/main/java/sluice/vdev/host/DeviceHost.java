package sluice.vdev.host;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
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
import sluice.dmacore.memory.Iotlb;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.MapException;
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
    private final IotlbStatistics iotlbStatistics = new IotlbStatistics();
    private final List<Rule> frontRules = new CopyOnWriteArrayList<>();
    private final IommuAdvice advice = new IommuAdvice(iotlbStatistics);
    /** While the driver gives bus addresses that are not guest addresses. */
    private @Nullable Iotlb iotlb;

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

    /**
     * The driver has settled its features.
     *
     * @param iommu what turns its addresses into those of the memory table; null if they are guest addresses
     */
    public void start(long features, @Nullable FrontIommu iommu) {
        post(() -> {
            nextRound.open();
            iotlb = iommu == null ? null : new FrontQuestions(iommu).iotlb;
            device.start(features, this);
        });
    }

    /** Takes questions to the front-end, and its answers to the device's loop. */
    private final class FrontQuestions implements Iotlb.Questions {
        private final FrontIommu iommu;
        private final Iotlb iotlb;

        FrontQuestions(FrontIommu iommu) {
            this.iommu = iommu;
            iotlb = new Iotlb("front of virtio device " + device.virtioId(), view, iommu.addressing(), this,
                    DeviceHost.this::goOn, iotlbStatistics);
            for (Rule rule : frontRules) iotlb.cache().inject(rule);
        }

        @Override
        public void ask(long address, Access access) {
            iommu.questions().ask(address, access, known -> post(() -> iotlb.answered(address, access, known)));
        }
    }

    /** Looks at the queues that lacked an address. */
    private void goOn() {
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].isStalled()) continue;
            queues[i].setStalled(false);
            look(i);
        }
    }

    /**
     * The front-end tells where a range of bus addresses leads.
     *
     * @param done gets whether it could be taken
     */
    public void translate(long address, long length, long target, Consumer<Boolean> done) {
        post(() -> {
            Iotlb present = iotlb;
            boolean taken = present != null;
            try {
                if (present != null) present.update(address, length, target);
            } catch (MapException e) {
                taken = false;
                LOG.error("a translation of the front-end is refused: {}", e.getMessage());
            }
            done.accept(taken);
        });
    }

    /** A range of bus addresses is not mapped any more; {@code done} runs when nobody uses what it led to. */
    public void invalidate(AddressRange range, Runnable done) {
        post(() -> {
            Iotlb present = iotlb;
            if (present != null) {
                present.invalidate(range);
                device.invalidated(range);
                advice.invalidated();
            }
            done.run();
        });
    }

    /** What the VM's IOMMU has cost; to be read on the device's loop. */
    public IotlbStatistics iotlbStatistics() {
        return iotlbStatistics;
    }

    /** Adds a rule by which invalidations of the VM's IOMMU are lost; before a front-end connects. */
    public void injectFront(Rule rule) {
        frontRules.add(rule);
    }

    /** Starts queue {@code index}; {@code kick} is watched from now on. */
    public void startQueue(int index, QueueStart start, Fd kick) {
        post(() -> {
            RunningQueue running = queues[index];
            running.setKick(EventWatch.start(loop, kick, running.look));
            FrontTranslation unmapped = start.rings() == GuestMemory.Addressing.USER ? userAddresses : guestAddresses;
            Virtqueue queue = Virtqueue.open(start.layout(), start.position(), RingFeatures.of(start.features()),
                    iotlb == null ? unmapped : iotlb, memory(), running);
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
        if (queue.publish() instanceof Polled.Stalled stalled) {
            LOG.warn("queue {} stops and cannot tell what it has done: its used ring at 0x{} is not mapped", index,
                    Long.toHexString(stalled.address()));
        }
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
            if (iotlb != null) iotlb.clear();
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
            iotlb = null;
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
        return iotlb == null ? guestAddresses : iotlb;
    }

    @Override
    public void bufferReleased() {
        if (iotlb != null) advice.bufferReleased();
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
        LOG.trace("queue {} waits for address 0x{}", index, Long.toHexString(where.address()));
        queues[index].setStalled(true);
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        RunningQueue running = queues[index];
        if (running.isBroken()) return;
        running.setBroken();
        if (why.unmapped()) {
            LOG.info("queue {} stops: {}, says the VM's IOMMU; its driver has gone", index, why.reason());
        } else {
            LOG.error("queue {} stops until the device is reset: {}", index, why.reason());
            if (iotlb != null) advice.queueBroken();
        }
        running.setKick(null);
        Virtqueue queue = running.queue();
        if (queue != null) queue.stop();
        running.raiseError();
    }
}
