package sluice.vdev.virtiopci;

import java.util.List;

import sluice.dmacore.trace.QueueTrace;
import sluice.iommu.AddressRange;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.pci.Msix;

/** A {@link VirtioDevice} on a PCI bus, as a complete modern virtio function (virtio 1.3 §4.1). */
public final class VirtioPciFunction implements PciFunction {
    private static final int COMMAND = 0x04;
    private static final int COMMAND_BYTES = 2;

    private final VirtioDevice device;
    private final List<Bar> bars;
    private final ConfigSpace config;
    private final ConfigWindow window;
    private final VirtioInterrupts interrupts;
    private final DeviceLife life;
    private final CommonConfig common;
    private boolean busMaster;

    /** A device without shared memory regions. */
    public VirtioPciFunction(VirtioDevice device, HostLoop loop, long pollNanos) {
        this(device, loop, pollNanos, SharedMemory.none(), QueueTrace.Maker.NONE);
    }

    /**
     * @param loop the device's loop, which also serves the function
     * @param pollNanos see {@link sluice.vdev.device.DeviceContext#pollNanos}
     * @param shared the memory of the device's shared memory regions
     * @param maker of the queues' traces
     * @throws IllegalArgumentException if the device has too many queues or too much configuration, or its virtio id
     * has no PCI device id
     */
    public VirtioPciFunction(VirtioDevice device, HostLoop loop, long pollNanos, SharedMemory shared,
            QueueTrace.Maker maker) {
        if (device.queueCount() > Structures.MAX_QUEUES || device.configSize() > Structures.DEVICE_BYTES) {
            throw new IllegalArgumentException(
                    "%s has %d queues and %d bytes of configuration; the limits are %d and %d"
                            .formatted(loop.name(), device.queueCount(), device.configSize(), Structures.MAX_QUEUES,
                                    Structures.DEVICE_BYTES));
        }
        this.device = device;
        bars = Structures.bars(shared);
        Msix msix = Structures.msix(device.queueCount());
        ConfigLayout layout = Identity.of(device.virtioId()).bars(bars).interruptPin(1);
        Structures.addTo(layout, shared);
        int windowAt = Structures.addTo(layout, device.configSize());
        layout.msix(msix).express();
        // Omitted for a device with many regions; no driver needs it.
        if (layout.room() >= ConfigLayout.POWER_MANAGEMENT_BYTES) layout.powerManagement();
        config = layout.build();
        window = new ConfigWindow(config, windowAt, new ConfigWindow.Target() {
            @Override
            public long read(long offset, int size) {
                return VirtioPciFunction.this.read(Structures.BAR, offset, size);
            }

            @Override
            public void write(long offset, int size, long value) {
                VirtioPciFunction.this.write(Structures.BAR, offset, size, value);
            }
        });
        interrupts = new VirtioInterrupts(config, msix.vectors());
        life = new DeviceLife(device, loop, pollNanos, config, interrupts, shared, maker);
        common = new CommonConfig(device, life, interrupts);
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    @Override
    public void start(FunctionContext context) {
        interrupts.connect(context);
        life.connect(context);
    }

    @Override
    public long read(int bar, long offset, int size) {
        int at = (int) offset;
        if (bar != Structures.BAR) return 0;
        if (at < Structures.COMMON + Structures.COMMON_BYTES) return common.read(at - Structures.COMMON, size);
        if (at == Structures.ISR) return interrupts.acknowledge();
        if (at >= Structures.DEVICE && at < Structures.DEVICE + Structures.DEVICE_BYTES)
            return deviceConfig(at - Structures.DEVICE, size);
        return 0;
    }

    private long deviceConfig(int offset, int size) {
        byte[] bytes = new byte[size];
        device.readConfig(offset, bytes);
        long value = 0;
        for (int i = size - 1; i >= 0; i--) value = value << Byte.SIZE | (bytes[i] & 0xff);
        return value;
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        int at = (int) offset;
        if (bar != Structures.BAR) return;
        if (at < Structures.COMMON + Structures.COMMON_BYTES) {
            common.write(at - Structures.COMMON, size, value);
        } else if (at >= Structures.NOTIFY) {
            life.notified((at - Structures.NOTIFY) / Structures.NOTIFY_MULTIPLIER);
        } else if (at >= Structures.DEVICE) {
            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++) bytes[i] = (byte) (value >>> (Byte.SIZE * i));
            device.writeConfig(at - Structures.DEVICE, bytes);
        }
    }

    @Override
    public void configRead(int offset, int length) {
        window.beforeRead(offset, length);
    }

    @Override
    public void configWritten(int offset, int length) {
        window.afterWrite(offset, length);
        interrupts.drive();
        boolean touched = offset < COMMAND + COMMAND_BYTES && offset + length > COMMAND;
        if (!touched || busMaster == config.isBusMaster()) return;
        busMaster = config.isBusMaster();
        if (busMaster) life.lookAtQueues();
    }

    @Override
    public void unmapped(AddressRange range) {
        life.unmapped(range);
    }

    @Override
    public void reset() {
        busMaster = false;
        common.reset();
        life.reset();
    }

    @Override
    public void disconnected() {
        life.disconnect();
        interrupts.connect(null);
    }
}
