package sluice.vdev.virtiopci;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;
import sluice.iommu.AddressRange;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.device.TransportFeatures;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.host.DeviceQueues;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.QueueTransport;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueLayout;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * The state of a device as its driver controls it: status, features, start and stop of queues (virtio 1.3 §2.1, §2.2,
 * §2.6, §3.1.1). A violation by the driver is ignored or sets DEVICE_NEEDS_RESET; the log gives the reason.
 */
final class DeviceLife {
    static final int DRIVER_OK = 4;
    static final int FEATURES_OK = 8;
    static final int NEEDS_RESET = 64;

    /** Violations by one driver that are logged. */
    private static final int COMPLAINTS_TOLD = 8;
    /** Both wrap counters of a packed ring begin with 1 (§2.8.1). */
    private static final int PACKED_START = 0x8000_8000;
    private static final int BYTE = 0xff;
    private static final long LOW_HALF = 0xffff_ffffL;
    private static final Logger LOG = LoggerFactory.getLogger(DeviceLife.class);

    private final String name;
    private final ConfigSpace config;
    private final VirtioInterrupts interrupts;
    private final DeviceQueues queues;
    private final QueueRegisters[] registers;
    private final SharedMemory shared;
    private final long offered;
    private @Nullable FunctionContext context;
    private int status;
    private long accepted;
    /** Whether the driver has accepted a feature bit of 64 or more; none is offered. */
    private boolean acceptedMore;
    private int complaints;

    DeviceLife(VirtioDevice device, HostLoop loop, long pollNanos, ConfigSpace config,
            VirtioInterrupts interrupts, SharedMemory shared, QueueTrace.Maker maker) {
        this.shared = shared;
        this.name = loop.name();
        this.config = config;
        this.interrupts = interrupts;
        this.queues = new DeviceQueues(device, loop, pollNanos, new Bus(), maker);
        // NOTIFY_ON_EMPTY belongs to the legacy interface, which is not supported (§6.4).
        this.offered = TransportFeatures.offered(device) & ~RingFeatures.NOTIFY_ON_EMPTY;
        this.registers = new QueueRegisters[device.queueCount()];
        for (int i = 0; i < registers.length; i++) registers[i] = new QueueRegisters();
    }

    /** The transport of the queues. */
    private final class Bus implements QueueTransport {
        @Override
        public FrontTranslation memory() {
            FunctionContext present = context;
            if (present == null) throw new IllegalStateException("a device that runs without a front-end");
            return present.memory();
        }

        @Override
        public boolean mayRun() {
            return config.isBusMaster();
        }

        /** Always mapped: the front-end has mapped the whole BAR. */
        @Override
        public SharedWindow window(int id) {
            return new BarWindow(shared, id);
        }

        @Override
        public void configChanged() {
            interrupts.configurationChanged();
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            needReset();
        }

        @Override
        public void deviceFailed() {
            needReset();
        }
    }

    void connect(FunctionContext given) {
        context = given;
        complaints = 0;
    }

    /** The front-end has disconnected. */
    void disconnect() {
        queues.close();
        context = null;
    }

    long offered() {
        return offered;
    }

    long accepted() {
        return accepted;
    }

    /**
     * The driver accepts features.
     *
     * @param half 0 for bits 0 to 31, 1 for bits 32 to 63
     */
    void accept(int half, int bits) {
        if ((status & FEATURES_OK) != 0) {
            complain("features are accepted after FEATURES_OK");
            return;
        }
        long value = Integer.toUnsignedLong(bits);
        switch (half) {
            case 0 -> accepted = (accepted & ~LOW_HALF) | value;
            case 1 -> accepted = (accepted & LOW_HALF) | (value << 32);
            default -> acceptedMore |= bits != 0;
        }
    }

    int status() {
        return status;
    }

    /** The driver writes the status; 0 resets the device, which is done when this returns. */
    void setStatus(int value) {
        if (value == 0) {
            reset();
            return;
        }
        int fresh = value & BYTE & ~status & ~NEEDS_RESET;
        if ((fresh & FEATURES_OK) != 0 && !areFeaturesGood()) fresh &= ~(FEATURES_OK | DRIVER_OK);
        if ((fresh & DRIVER_OK) != 0 && ((status | fresh) & FEATURES_OK) == 0) {
            complain("DRIVER_OK comes before FEATURES_OK");
            fresh &= ~DRIVER_OK;
        }
        // Bits are set one after the other and cleared by a reset only (§2.1.1).
        status |= fresh;
        if ((fresh & DRIVER_OK) != 0) start();
    }

    private boolean areFeaturesGood() {
        long more = accepted & ~offered;
        if (more != 0 || acceptedMore) {
            complain("the driver accepts features that are not offered: 0x%x%s".formatted(more,
                    acceptedMore ? ", and some from bit 64 on" : ""));
            return false;
        }
        if ((accepted & TransportFeatures.VERSION_1) == 0) {
            complain("the driver does not accept VERSION_1, and the legacy interface is not supported");
            return false;
        }
        return true;
    }

    private void start() {
        queues.start(accepted);
        for (int i = 0; i < registers.length; i++) {
            if (registers[i].enabled) startQueue(i);
        }
    }

    /** The registers of a queue, or null if there is no such queue. */
    @Nullable
    QueueRegisters queue(int index) {
        return index < registers.length ? registers[index] : null;
    }

    int queueCount() {
        return registers.length;
    }

    /** The driver enables a queue, which must not change until a reset. */
    void enable(int index) {
        QueueRegisters queue = registers[index];
        if (queue.enabled) return;
        if ((status & FEATURES_OK) == 0) {
            complain("queue " + index + " is enabled before FEATURES_OK");
            return;
        }
        try {
            queue.layout().check(RingFeatures.of(accepted));
        } catch (IllegalArgumentException e) {
            complain("queue %d cannot start: %s".formatted(index, e.getMessage()));
            needReset();
            return;
        }
        queue.enabled = true;
        if ((status & DRIVER_OK) != 0) startQueue(index);
    }

    private void startQueue(int index) {
        QueueRegisters queue = registers[index];
        RingFeatures features = RingFeatures.of(accepted);
        QueueLayout layout = queue.layout();
        FrontTranslation memory = queues.memory();
        queues.setEnabled(index, true);
        queues.startQueue(index, Virtqueue.open(layout, features.packed() ? PACKED_START : 0, features, memory, memory,
                () -> interrupts.used(queue.vector), queues.trace(index)));
    }

    /** The driver resets a queue; it is done when this returns. */
    void resetQueue(int index) {
        if ((accepted & RingFeatures.RING_RESET) == 0 || (status & FEATURES_OK) == 0) {
            complain("queue " + index + " is reset, but VIRTIO_F_RING_RESET was not negotiated");
            return;
        }
        stop(index);
        registers[index].reset();
    }

    private void stop(int index) {
        queues.stop(index);
        queues.setEnabled(index, false);
    }

    /** The driver has notified a queue. */
    void notified(int index) {
        if (index < registers.length) queues.look(index);
    }

    /** The driver has enabled bus mastering. */
    void lookAtQueues() {
        queues.lookAtAll();
    }

    /** A range of bus addresses was unmapped. */
    void unmapped(AddressRange range) {
        queues.invalidated(range);
    }

    private void needReset() {
        boolean first = (status & NEEDS_RESET) == 0;
        status |= NEEDS_RESET;
        if (first && (status & DRIVER_OK) != 0) interrupts.configurationChanged();
    }

    /** Resets the device to power-on. */
    void reset() {
        accepted = 0;
        acceptedMore = false;
        for (int i = 0; i < registers.length; i++) {
            stop(i);
            registers[i].reset();
        }
        queues.reset();
        // A driver waits until status reads 0, even if the device's reset failed.
        status = 0;
        interrupts.reset();
    }

    /** Logs a violation by the driver, the first times. */
    void complain(String what) {
        if (complaints++ < COMPLAINTS_TOLD) {
            LOG.warn("{}: {}", name, what);
        } else {
            LOG.debug("{}: {}", name, what);
        }
    }
}
