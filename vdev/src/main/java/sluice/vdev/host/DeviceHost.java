package sluice.vdev.host;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.Iotlb;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.MapException;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.Report;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.io.EventWatch;
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
public final class DeviceHost {
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private final VirtioDevice device;
    private final HostLoop loop;
    private final DeviceTrace trace;
    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation guestAddresses = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final FrontTranslation userAddresses = new IdentityTranslation(view, GuestMemory.Addressing.USER);
    private final Behind behind = new Behind();
    private final DeviceQueues queues;
    private final QueueDescriptors[] descriptors;
    /** What a kick of each queue is for. */
    private final Runnable[] looks;
    private final IotlbStatistics iotlbStatistics = new IotlbStatistics();
    private final List<Rule> frontRules = new CopyOnWriteArrayList<>();
    private final IommuAdvice advice = new IommuAdvice(iotlbStatistics);
    /** Of each kind of address that the VM's IOMMU has led to so far. */
    private final Map<GuestMemory.Addressing, FrontCache> caches = new EnumMap<>(GuestMemory.Addressing.class);
    /** While the driver gives bus addresses that are not guest addresses. */
    private @Nullable Iotlb iotlb;
    private @Nullable FrontEndRequests frontEnd;
    private final SharedMemory shared;
    private final Map<Integer, SharedWindow> windows = new HashMap<>();
    private final ShownParts shown;

    /** A host that waits for kicks as soon as a queue is empty. */
    public DeviceHost(VirtioDevice device, HostLoop loop) {
        this(device, loop, 0, DeviceTrace.NONE, SharedMemory.none());
    }

    /**
     * A host.
     *
     * @param pollNanos see {@link DeviceContext#pollNanos}
     * @param trace is told what the VM's IOMMU had to be asked
     * @param shared the memory of the device's shared memory regions
     */
    public DeviceHost(VirtioDevice device, HostLoop loop, long pollNanos, DeviceTrace trace, SharedMemory shared) {
        this.device = device;
        this.shared = shared;
        this.shown = new ShownParts(shared, view, loop.log());
        this.trace = trace;
        this.loop = loop;
        this.queues = new DeviceQueues(device, loop, pollNanos, behind);
        this.descriptors = new QueueDescriptors[device.queueCount()];
        this.looks = new Runnable[descriptors.length];
        for (int i = 0; i < descriptors.length; i++) {
            int index = i;
            descriptors[i] = new QueueDescriptors(loop.log());
            looks[i] = () -> queues.look(index);
        }
    }

    public VirtioDevice device() {
        return device;
    }

    /** The device's loop. */
    public HostLoop loop() {
        return loop;
    }

    /**
     * Works with {@code next} from now on; {@code done} runs when neither rings nor the device keep anything of what is not in
     * it any more. A command under way holds the generation it began with until it is over.
     */
    public void adopt(GuestMemory next, Runnable done) {
        loop.ask("a new memory table", () -> {
            Set<MemoryRegion> gone = new HashSet<>(view.current().regions());
            next.regions().forEach(gone::remove);
            view.adopt(next);
            if (gone.isEmpty()) return;
            if (iotlb == null) {
                for (MemoryRegion region : gone) queues.invalidated(region.guest());
            } else {
                // Which bus addresses have led there is known to the front-end alone; the others are soon found again.
                queues.invalidated(EVERYTHING);
            }
        }, done);
    }

    /** A front-end has connected, which may be asked for this and that. */
    public void attach(FrontEndRequests requests) {
        loop.post("a front-end", () -> frontEnd = requests);
    }

    /** The memory of the device's shared memory regions. */
    public SharedMemory shared() {
        return shared;
    }

    /**
     * The driver has settled its features.
     *
     * @param iommu what turns its addresses into those of the memory table; null if they are guest addresses
     */
    public void start(long features, @Nullable FrontIommu iommu) {
        loop.post("the start of the device", () -> {
            iotlb = iotlbOf(iommu);
            queues.start(features);
        });
    }

    /** A cache that is used again begins empty; what is kept of the other kind of address is let go of. */
    private @Nullable Iotlb iotlbOf(@Nullable FrontIommu iommu) {
        if (iommu == null) {
            caches.values().forEach(FrontCache::stop);
            return null;
        }
        FrontCache next = caches.computeIfAbsent(iommu.addressing(), addressing -> new FrontCache(loop, trace, view,
                addressing, queues::lookAtStalled, iotlbStatistics, frontRules));
        for (FrontCache cache : caches.values()) {
            if (cache != next) cache.stop();
        }
        next.start(iommu.questions());
        return next.iotlb();
    }

    /**
     * The front-end tells where a range of bus addresses leads.
     *
     * @param granted what it may be used for
     * @param done gets whether it could be taken
     */
    public void translate(long address, long length, long target, Permission granted, Consumer<Boolean> done) {
        loop.ask("a translation of the front-end", false, () -> {
            Iotlb present = iotlb;
            if (present == null) return false;
            try {
                present.update(address, length, target, granted);
                return true;
            } catch (MapException e) {
                loop.log().error("a translation of the front-end is refused: {}", e.getMessage());
                return false;
            }
        }, done);
    }

    /** A range of bus addresses is not mapped any more; {@code done} runs when nobody uses what it led to. */
    public void invalidate(AddressRange range, Runnable done) {
        loop.ask("an invalidation", () -> {
            Iotlb present = iotlb;
            if (present == null) return;
            present.invalidate(range);
            queues.invalidated(range);
            advice.invalidated();
        }, done);
    }

    /** What the VM's IOMMU has cost; to be read on the device's loop. */
    public IotlbStatistics iotlbStatistics() {
        return iotlbStatistics;
    }

    /** Registers what the VM's IOMMU has cost. */
    public void register(Report report) {
        IotlbStatistics front = iotlbStatistics;
        report.counter("frontIommu.misses", "pages", "Pages that the front-end was asked for.", front::misses);
        report.counter("frontIommu.refusedMisses", "pages", "Pages that it refused.", front::refused);
        report.counter("frontIommu.faults", "accesses", "Accesses that its IOMMU does not allow.", front::faults);
        report.counter("frontIommu.waitedMillis", "milliseconds", "Between questions and answers, all together.",
                () -> front.waitedNanos() / 1_000_000);
        report.counter("frontIommu.exactInvalidations", "messages", "Invalidations of what had been asked for.",
                front::exactInvalidations);
        report.counter("frontIommu.wholesaleInvalidations", "messages", "Invalidations of everything.",
                front::wholesaleInvalidations);
        report.counter("frontIommu.droppedEntries", "pages", "Translations that invalidations have dropped.",
                front::droppedEntries);
    }

    /** Adds a rule by which invalidations of the VM's IOMMU are lost; before a front-end connects. */
    public void injectFront(Rule rule) {
        frontRules.add(rule);
    }

    /** Starts queue {@code index}; {@code kick} is watched from now on. */
    public void startQueue(int index, QueueStart start, Fd kick) {
        loop.take("the start of a queue", kick, _ -> {
            watchKick(index, kick);
            FrontTranslation unmapped = start.rings() == GuestMemory.Addressing.USER ? userAddresses : guestAddresses;
            boolean started = false;
            try {
                queues.startQueue(index, Virtqueue.open(start.layout(), start.position(),
                        RingFeatures.of(start.features()), iotlb == null ? unmapped : iotlb, behind.memory(),
                        descriptors[index]));
                started = true;
            } finally {
                if (!started) descriptors[index].setKick(null);
            }
        });
    }

    private void watchKick(int index, Fd kick) {
        descriptors[index].setKick(EventWatch.start(loop.events(), kick, looks[index]));
    }

    /** Watches another descriptor for the kicks of a queue that runs. */
    public void replaceKick(int index, Fd kick) {
        loop.take("another kick descriptor", kick, _ -> {
            watchKick(index, kick);
            queues.look(index);
        });
    }

    /** Interrupts go to {@code call} from now on, or nowhere. */
    public void setCall(int index, @Nullable Fd call) {
        loop.take("another call descriptor", call, descriptors[index]::setCall);
    }

    /** Errors of the queue are told to {@code error} from now on, or nobody. */
    public void setError(int index, @Nullable Fd error) {
        loop.take("another error descriptor", error, descriptors[index]::setError);
    }

    /** A queue that is not enabled is not looked at; {@code done} runs when that is so. */
    public void enable(int index, boolean enabled, Runnable done) {
        loop.ask("the switch of a queue", () -> queues.setEnabled(index, enabled), done);
        loop.post("a look at a queue", () -> queues.look(index));
    }

    /** Stops a queue; {@code position} gets where it has come to, when the driver has got back all it can. */
    public void stopQueue(int index, IntConsumer position) {
        loop.ask("the stop of a queue", 0, () -> {
            descriptors[index].setKick(null);
            return queues.stop(index);
        }, position::accept);
    }

    private void stopKicks() {
        for (QueueDescriptors one : descriptors) one.setKick(null);
    }

    /** Puts the device back to power-on, with no queue enabled; those that still run are stopped first. */
    public void reset(Runnable done) {
        loop.ask("a reset", () -> {
            resetDevice();
            for (int i = 0; i < descriptors.length; i++) queues.setEnabled(i, false);
        }, done);
    }

    /** As {@link #reset} for a driver that has begun anew without a word; what is enabled stays so. */
    public void renew() {
        loop.post("a reset", this::resetDevice);
    }

    private void resetDevice() {
        stopKicks();
        shown.clear();
        queues.reset();
        caches.values().forEach(FrontCache::clear);
    }

    /** The front-end has gone: everything of its is given back, the device is as after power-on. */
    public void detach(Runnable done) {
        loop.ask("the end of a front-end", () -> {
            frontEnd = null;
            shown.clear();
            stopKicks();
            queues.close();
            for (QueueDescriptors one : descriptors) one.close();
            iotlb = iotlbOf(null);
            view.adopt(GuestMemory.empty());
        }, done);
    }

    /** The driver has written configuration space; {@code done} runs when the device knows. */
    public void writeConfig(int offset, byte[] value, Runnable done) {
        loop.ask("writeConfig", () -> device.writeConfig(offset, value), done);
    }

    /** Gives the device a descriptor other than those of its queues, which is the task's then. */
    public void give(Fd fd, Consumer<Fd> task) {
        loop.take("a descriptor", fd, _ -> task.accept(fd));
    }

    /** The VM as the queues see it. */
    private final class Behind implements QueueTransport {
        @Override
        public FrontTranslation memory() {
            return iotlb == null ? guestAddresses : iotlb;
        }

        @Override
        public void configChanged() {
            if (frontEnd != null) frontEnd.configChanged();
        }

        @Override
        public SharedWindow window(int id) {
            return windows.computeIfAbsent(shared.region(id).id(),
                    known -> new FrontWindow(shared, known, loop, shown, () -> frontEnd));
        }

        @Override
        public void bufferReleased() {
            if (iotlb != null) advice.bufferReleased();
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            if (iotlb != null && !why.unmapped()) advice.queueBroken();
            descriptors[index].setKick(null);
            descriptors[index].raiseError();
        }

        @Override
        public void deviceFailed() {
            for (QueueDescriptors one : descriptors) one.raiseError();
        }
    }
}
