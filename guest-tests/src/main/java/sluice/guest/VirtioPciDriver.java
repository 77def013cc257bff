package sluice.guest;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * A scripted driver for a modern virtio-pci device (virtio 1.3, 4.1), controlled over qtest: all accesses are made by
 * the test. It polls, without interrupts. Not thread-safe.
 */
public final class VirtioPciDriver {
    /** VIRTIO_F_VERSION_1, always negotiated. */
    public static final long VERSION_1 = 1L << 32;

    private static final int VENDOR = 0x1AF4;
    private static final int FIRST_MODERN_ID = 0x1040;
    private static final int CAPABILITIES = 0x34;
    private static final int VENDOR_CAPABILITY = 0x09;
    private static final int MOST_CAPABILITIES = 48;

    /** Status bits (virtio 1.3, 2.1). */
    private static final int ACKNOWLEDGE = 1;
    private static final int DRIVER = 2;
    private static final int DRIVER_OK = 4;
    private static final int FEATURES_OK = 8;
    private static final int RESET_TRIES = 1000;

    /** struct virtio_pci_common_cfg (virtio 1.3, 4.1.4.3). */
    private static final int DEVICE_FEATURE_SELECT = 0x00;
    private static final int DEVICE_FEATURE = 0x04;
    private static final int DRIVER_FEATURE_SELECT = 0x08;
    private static final int DRIVER_FEATURE = 0x0C;
    private static final int NUM_QUEUES = 0x12;
    private static final int DEVICE_STATUS = 0x14;
    private static final int QUEUE_SELECT = 0x16;
    private static final int QUEUE_SIZE = 0x18;
    private static final int QUEUE_ENABLE = 0x1C;
    private static final int QUEUE_NOTIFY_OFF = 0x1E;
    private static final int QUEUE_DESC = 0x20;
    private static final int QUEUE_DRIVER = 0x28;
    private static final int QUEUE_DEVICE = 0x30;

    /** cfg_type values (virtio 1.3, 4.1.4). */
    private static final int COMMON = 1;
    private static final int NOTIFY = 2;
    private static final int DEVICE = 4;
    private static final int SHARED_MEMORY = 8;

    private final QtestSession qtest;
    private final Map<Integer, Long> structures = new HashMap<>();
    private final Map<Integer, Window> windows = new HashMap<>();
    private int notifyMultiplier;

    /**
     * A shared memory region (virtio 1.3, 4.1.4.7).
     *
     * @param address guest address of its first byte
     * @param bytes its size
     */
    public record Window(long address, long bytes) {}

    private VirtioPciDriver(QtestSession qtest) {
        this.qtest = qtest;
    }

    /**
     * Finds a device on bus 0, assigns addresses to its BARs and finds its structures. Does not access the device
     * otherwise.
     *
     * @param type the virtio device type, for example 16 for a GPU
     * @throws IOException there is no such device, or it lacks one of the capabilities of a modern one
     */
    public static VirtioPciDriver find(QtestSession qtest, int type) throws IOException {
        PciDevice pci = PciDevice.find(qtest, VENDOR, FIRST_MODERN_ID + type);
        VirtioPciDriver driver = new VirtioPciDriver(qtest);
        int at = pci.read8(CAPABILITIES) & 0xFC;
        for (int i = 0; at != 0 && i < MOST_CAPABILITIES; i++) {
            if (pci.read8(at) == VENDOR_CAPABILITY)
                driver.capability(pci, at);
            at = pci.read8(at + 1) & 0xFC;
        }
        for (int needed : new int[]{ COMMON, NOTIFY }) {
            if (!driver.structures.containsKey(needed)) {
                throw new IOException("the device has no virtio capability of cfg_type " + needed);
            }
        }
        return driver;
    }

    private void capability(PciDevice pci, int at) throws IOException {
        int type = pci.read8(at + 3);
        if (type == SHARED_MEMORY) {
            windows.put(pci.read8(at + 5), new Window(pci.bar(pci.read8(at + 4)) + wide(pci, at + 8, at + 16),
                    wide(pci, at + 12, at + 20)));
        }
        if (type != COMMON && type != NOTIFY && type != DEVICE)
            return;
        if (structures.containsKey(type))
            return; // the first of a kind is the one to use (virtio 1.3, 4.1.4)
        int bar = pci.read8(at + 4);
        long offset = Integer.toUnsignedLong(pci.read32(at + 8));
        structures.put(type, pci.bar(bar) + offset);
        if (type == NOTIFY)
            notifyMultiplier = pci.read32(at + 16);
    }

    private static long wide(PciDevice pci, int low, int high) throws IOException {
        return (long) pci.read32(high) << Integer.SIZE | Integer.toUnsignedLong(pci.read32(low));
    }

    /**
     * A shared memory region.
     *
     * @throws IOException the device has no region of this id
     */
    public Window window(int id) throws IOException {
        Window window = windows.get(id);
        if (window == null) throw new IOException("the device has no shared memory region " + id);
        return window;
    }

    /** Resets the device and waits until status reads 0. */
    public void reset() throws IOException {
        qtest.writeb(common(DEVICE_STATUS), 0);
        for (int i = 0; status() != 0; i++) {
            if (i == RESET_TRIES)
                throw new IOException("the device does not come out of reset: status " + status());
        }
    }

    /** The device status byte. */
    public int status() throws IOException {
        return qtest.readb(common(DEVICE_STATUS));
    }

    /** Number of queues. */
    public int queues() throws IOException {
        return qtest.readw(common(NUM_QUEUES));
    }

    /** The offered features. */
    public long deviceFeatures() throws IOException {
        qtest.writel(common(DEVICE_FEATURE_SELECT), 0);
        long low = Integer.toUnsignedLong(qtest.readl(common(DEVICE_FEATURE)));
        qtest.writel(common(DEVICE_FEATURE_SELECT), 1);
        return Integer.toUnsignedLong(qtest.readl(common(DEVICE_FEATURE))) << 32 | low;
    }

    /**
     * Resets the device, and negotiates features up to FEATURES_OK.
     *
     * @param wanted features to accept if offered; VERSION_1 is always added
     * @return the negotiated features
     * @throws IOException the device offers no VERSION_1, or does not accept the choice
     */
    public long negotiate(long wanted) throws IOException {
        reset();
        setStatus(ACKNOWLEDGE);
        setStatus(ACKNOWLEDGE | DRIVER);
        long agreed = deviceFeatures() & (wanted | VERSION_1);
        if ((agreed & VERSION_1) == 0)
            throw new IOException("the device does not offer VIRTIO_F_VERSION_1");
        qtest.writel(common(DRIVER_FEATURE_SELECT), 0);
        qtest.writel(common(DRIVER_FEATURE), (int) agreed);
        qtest.writel(common(DRIVER_FEATURE_SELECT), 1);
        qtest.writel(common(DRIVER_FEATURE), (int) (agreed >>> 32));
        setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if ((status() & FEATURES_OK) == 0) {
            throw new IOException("the device did not accept the features %#x".formatted(agreed));
        }
        return agreed;
    }

    /**
     * Sets up and enables a split queue; its memory is cleared.
     *
     * @param index index of the queue
     * @param size entries, a power of two, at most what the device allows
     * @param address guest address of the rings, a multiple of 4096; they use {@link SplitQueue#bytes(int)}
     */
    public SplitQueue queue(int index, int size, long address) throws IOException {
        qtest.writew(common(QUEUE_SELECT), index);
        int largest = qtest.readw(common(QUEUE_SIZE));
        if (size > largest)
            throw new IOException("queue " + index + " has at most " + largest + " entries");
        SplitQueue queue = new SplitQueue(qtest, size, address, notifyAddress(index), index);
        qtest.writew(common(QUEUE_SIZE), size);
        qtest.writeq(common(QUEUE_DESC), queue.descriptors());
        qtest.writeq(common(QUEUE_DRIVER), queue.available());
        qtest.writeq(common(QUEUE_DEVICE), queue.used());
        qtest.writew(common(QUEUE_ENABLE), 1);
        return queue;
    }

    /** Sets DRIVER_OK: the device may process its queues. */
    public void start() throws IOException {
        setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    }

    /** Reads 32 bits of the device-specific configuration. */
    public int config32(int offset) throws IOException {
        return qtest.readl(structure(DEVICE) + offset);
    }

    /** Writes 32 bits of the device-specific configuration. */
    public void config32(int offset, int value) throws IOException {
        qtest.writel(structure(DEVICE) + offset, value);
    }

    private void setStatus(int status) throws IOException {
        qtest.writeb(common(DEVICE_STATUS), status);
    }

    private long notifyAddress(int index) throws IOException {
        qtest.writew(common(QUEUE_SELECT), index);
        return structure(NOTIFY) + (long) qtest.readw(common(QUEUE_NOTIFY_OFF)) * notifyMultiplier;
    }

    private long common(int offset) throws IOException {
        return structure(COMMON) + offset;
    }

    private long structure(int type) throws IOException {
        Long address = structures.get(type);
        if (address == null)
            throw new IOException("the device has no virtio capability of cfg_type " + type);
        return address;
    }
}
