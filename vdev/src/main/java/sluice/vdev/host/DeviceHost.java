package sluice.vdev.host;

import java.io.IOException;
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
import sluice.dmacore.trace.QueueTrace;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.MapException;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.Report;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.io.EventWatch;
import sluice.vdev.queue.Interrupt;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * Runs one {@link VirtioDevice} on its own loop.
 *
 * <p>Transports call the public methods on their control loop; no call blocks. Each request runs on the device's loop,
 * in call order, and its callback runs there too. The host owns descriptors and memory generations passed to it.
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
    /** Kick eventfds by queue. */
    private final Runnable[] looks;
    /** How each queue interrupts the driver. */
    private final Interrupt[] calls;
    private HostFaults faults = HostFaults.none();
    private final IotlbStatistics iotlbStatistics = new IotlbStatistics();
    private final List<Rule> frontRules = new CopyOnWriteArrayList<>();
    private final IommuAdvice advice = new IommuAdvice(iotlbStatistics);
    /** One cache for each kind of target address used so far. */
    private final Map<GuestMemory.Addressing, FrontCache> caches = new EnumMap<>(GuestMemory.Addressing.class);
    /** Set while the driver passes bus addresses that differ from guest addresses. */
    private @Nullable Iotlb iotlb;
    private @Nullable FrontEndRequests frontEnd;
    private final SharedMemory shared;
    private final Map<Integer, SharedWindow> windows = new HashMap<>();
    private final ShownParts shown;

    /** A host that waits for kicks as soon as a queue is empty. */
    public DeviceHost(VirtioDevice device, HostLoop loop) {
        this(device, loop, 0, DeviceTrace.NONE, QueueTrace.Maker.NONE, SharedMemory.none());
    }

    /**
     * A host.
     *
     * @param pollNanos see {@link DeviceContext#pollNanos}
     * @param trace receives IOTLB misses
     * @param maker of the queues' traces
     * @param shared the memory of the device's shared memory regions
     */
    public DeviceHost(VirtioDevice device, HostLoop loop, long pollNanos, DeviceTrace trace, QueueTrace.Maker maker,
            SharedMemory shared) {
        this.device = device;
        this.shared = shared;
        this.shown = new ShownParts(shared, view, loop.log());
        this.trace = trace;
        this.loop = loop;
        this.queues = new DeviceQueues(device, loop, pollNanos, behind, maker);
        this.descriptors = new QueueDescriptors[device.queueCount()];
        this.looks = new Runnable[descriptors.length];
        this.calls = new Interrupt[descriptors.length];
        for (int i = 0; i < descriptors.length; i++) {
            int index = i;
            descriptors[i] = new QueueDescriptors(loop.log());
            looks[i] = () -> queues.look(index);
            Runnable raise = descriptors[i]::raise;
            calls[i] = () -> faults.deliver(index, loop, raise);
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
     * Switches to another memory table; {@code done} runs when neither rings nor the device reference memory that is
     * not in it. A command in progress holds its generation until it ends.
     *
     * @param done receives whether the change was accepted; if not, the reason is logged
     */
    public void change(MemoryChange change, Consumer<Boolean> done) {
        loop.ask("a new memory table", false, () -> {
            try {
                adopt(change.carryOut());
                return true;
            } catch (IOException e) {
                loop.log().error("{}: a memory table is refused: {}", loop.name(), e.getMessage());
                return false;
            }
        }, done);
    }

    private void adopt(GuestMemory next) {
        Set<MemoryRegion> gone = new HashSet<>(view.current().regions());
        next.regions().forEach(gone::remove);
        view.adopt(next);
        if (gone.isEmpty()) return;
        if (iotlb == null) {
            for (MemoryRegion region : gone) queues.invalidated(region.guest());
        } else {
            // Only the front-end knows which bus addresses led to removed memory, so the whole cache is dropped; misses
            // refill it.
            queues.invalidated(EVERYTHING);
        }
    }

    /** Attaches a front-end that has connected. */
    public void attach(FrontEndRequests requests) {
        loop.post("a front-end", () -> frontEnd = requests);
    }

    /** The memory of the device's shared memory regions. */
    public SharedMemory shared() {
        return shared;
    }

    /**
     * The driver has accepted features.
     *
     * @param iommu translates the driver's addresses to those of the memory table; null if they are guest addresses
     */
    public void start(long features, @Nullable FrontIommu iommu) {
        loop.post("the start of the device", () -> {
            iotlb = iotlbOf(iommu);
            queues.start(features);
        });
    }

    /** A reused cache begins empty; the cache of the other kind of address is released. */
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
     * Adds a translation that the front-end has sent (IOTLB update).
     *
     * @param granted the permitted accesses
     * @param done receives whether the translation was accepted
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

    /** Invalidates a range of bus addresses; {@code done} runs when no access to its former target is in progress. */
    public void invalidate(AddressRange range, Runnable done) {
        loop.ask("an invalidation", () -> {
            Iotlb present = iotlb;
            if (present == null) return;
            present.invalidate(range);
            queues.invalidated(range);
            advice.invalidated();
        }, done);
    }

    /** Cost of the VM's IOMMU; read on the device's loop. */
    public IotlbStatistics iotlbStatistics() {
        return iotlbStatistics;
    }

    /** Registers counters of the cost of the VM's IOMMU. */
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

    /** What goes wrong between the device and its machine; before a front-end connects. */
    public void inject(HostFaults next) {
        faults = next;
    }

    /** Adds a rule that drops invalidations of the VM's IOMMU. Called before a front-end connects. */
    public void injectFront(Rule rule) {
        frontRules.add(rule);
    }

    /** Starts queue {@code index} and watches {@code kick}. */
    public void startQueue(int index, QueueStart start, Fd kick) {
        loop.take("the start of a queue", kick, _ -> {
            watchKick(index, kick);
            FrontTranslation unmapped = start.rings() == GuestMemory.Addressing.USER ? userAddresses : guestAddresses;
            boolean started = false;
            try {
                queues.startQueue(index, Virtqueue.open(start.layout(), start.position(),
                        RingFeatures.of(start.features()), iotlb == null ? unmapped : iotlb, behind.memory(),
                        calls[index], queues.trace(index)));
                started = true;
            } finally {
                if (!started) descriptors[index].setKick(null);
            }
        });
    }

    private void watchKick(int index, Fd kick) {
        descriptors[index].setKick(EventWatch.start(loop.events(), kick, looks[index]));
    }

    /** Replaces the kick eventfd of a running queue. */
    public void replaceKick(int index, Fd kick) {
        loop.take("another kick descriptor", kick, _ -> {
            watchKick(index, kick);
            queues.look(index);
        });
    }

    /** Sets the eventfd for interrupts, or none. */
    public void setCall(int index, @Nullable Fd call) {
        loop.take("another call descriptor", call, descriptors[index]::setCall);
    }

    /** Sets the eventfd for errors of the queue, or none. */
    public void setError(int index, @Nullable Fd error) {
        loop.take("another error descriptor", error, descriptors[index]::setError);
    }

    /**
     * Enables or disables a queue; a disabled queue is not polled. {@code done} runs when the change has taken effect.
     */
    public void enable(int index, boolean enabled, Runnable done) {
        loop.ask("the switch of a queue", () -> queues.setEnabled(index, enabled), done);
        loop.post("a look at a queue", () -> queues.look(index));
    }

    /** Stops a queue; {@code position} receives its position when all completed chains have been published. */
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

    /** Like {@link #reset}, for a driver that has restarted without a reset message; enabled queues stay enabled. */
    public void renew() {
        loop.post("a reset", this::resetDevice);
    }

    private void resetDevice() {
        stopKicks();
        shown.clear();
        queues.reset();
        caches.values().forEach(FrontCache::clear);
    }

    /** The front-end has disconnected: releases all of its resources and resets the device to power-on. */
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

    /** The driver has written configuration space; {@code done} runs when the device has processed it. */
    public void writeConfig(int offset, byte[] value, Runnable done) {
        loop.ask("writeConfig", () -> device.writeConfig(offset, value), done);
    }

    /** Passes a descriptor that does not belong to a queue to the device; the task owns it. */
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
