package sluice.vdev.virtiopci;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

import sluice.vdev.device.SharedRegion;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.BarMemory;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.Msix;

/** Locations of the virtio structures, and the capabilities that point to them (virtio 1.3 §4.1.4). */
final class Structures {
    /** The BAR of all structures. */
    static final int BAR = 0;
    static final int COMMON = 0x0000;
    /** Up to and with queue_reset. */
    static final int COMMON_BYTES = 0x3c;
    static final int ISR = 0x1000;
    static final int DEVICE = 0x2000;
    static final int DEVICE_BYTES = 0x1000;
    static final int NOTIFY = 0x3000;
    static final int NOTIFY_BYTES = 0x1000;
    /** Each queue has its own notification address. */
    static final int NOTIFY_MULTIPLIER = 4;
    /** One queue per notification address. */
    static final int MAX_QUEUES = NOTIFY_BYTES / NOTIFY_MULTIPLIER;
    static final int BYTES = 0x4000;

    private static final int MSIX_BAR = 1;
    private static final int MSIX_BYTES = 0x8000;
    private static final int MSIX_PENDING = 0x6000;

    private static final int TYPE_COMMON = 1;
    private static final int TYPE_NOTIFY = 2;
    private static final int TYPE_ISR = 3;
    private static final int TYPE_DEVICE = 4;
    private static final int TYPE_WINDOW = 5;
    private static final int TYPE_SHARED_MEMORY = 8;
    /** The same BAR as in QEMU. */
    private static final int SHARED_BAR = 4;
    /** Type, BAR, id, padding, offset, length. */
    private static final int BODY_BYTES = 13;

    private Structures() {}

    /** The BARs of a device, with one for its shared memory if it has any. */
    static List<Bar> bars(SharedMemory shared) {
        List<Bar> bars = new ArrayList<>(List.of(Bar.registers(BAR, BYTES), Bar.registers(MSIX_BAR, MSIX_BYTES)));
        BarMemory memory = shared.memory();
        if (memory != null)
            bars.add(Bar.memory(SHARED_BAR, Bar.Kind.PREFETCHABLE_64, shared.bytes(), memory));
        return bars;
    }

    /** One vector for each queue, and one for configuration changes. */
    static Msix msix(int queues) {
        return new Msix(queues + 1, MSIX_BAR, 0, MSIX_PENDING);
    }

    /**
     * Adds the capabilities.
     *
     * @return offset of the PCI configuration access capability
     */
    static int addTo(ConfigLayout layout, int deviceConfigBytes) {
        layout.vendorSpecific(body(TYPE_COMMON, COMMON, COMMON_BYTES, 0), new byte[BODY_BYTES]);
        byte[] notify = body(TYPE_NOTIFY, NOTIFY, NOTIFY_BYTES, Integer.BYTES);
        notify[BODY_BYTES] = NOTIFY_MULTIPLIER;
        layout.vendorSpecific(notify, new byte[notify.length]);
        layout.vendorSpecific(body(TYPE_ISR, ISR, 1, 0), new byte[BODY_BYTES]);
        if (deviceConfigBytes > 0)
            layout.vendorSpecific(body(TYPE_DEVICE, DEVICE, deviceConfigBytes, 0), new byte[BODY_BYTES]);
        return layout.vendorSpecific(body(TYPE_WINDOW, 0, 0, ConfigWindow.DATA_BYTES), ConfigWindow.driverBits());
    }

    /** A capability for each shared memory region (virtio 1.3 §4.1.4.7), with 64-bit offset and length. */
    static void addTo(ConfigLayout layout, SharedMemory shared) {
        for (SharedRegion region : shared.regions()) {
            long offset = shared.offset(region.id());
            byte[] capability = body(TYPE_SHARED_MEMORY, (int) offset, (int) region.bytes(), 2 * Integer.BYTES);
            ByteBuffer.wrap(capability).order(ByteOrder.LITTLE_ENDIAN).put(1, (byte) SHARED_BAR)
                    .put(2, (byte) region.id()).putInt(BODY_BYTES, (int) (offset >>> Integer.SIZE))
                    .putInt(BODY_BYTES + Integer.BYTES, (int) (region.bytes() >>> Integer.SIZE));
            layout.vendorSpecific(capability, new byte[capability.length]);
        }
    }

    private static byte[] body(int type, int offset, int length, int more) {
        return ByteBuffer.allocate(BODY_BYTES + more).order(ByteOrder.LITTLE_ENDIAN).put(0, (byte) type)
                .put(1, (byte) BAR).putInt(5, offset).putInt(9, length).array();
    }
}
