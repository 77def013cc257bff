package sluice.vdev.virtiopci;

import java.util.Arrays;

import sluice.vdev.device.VirtioDevice;

/**
 * The common configuration structure (struct virtio_pci_common_cfg, virtio 1.3 §4.1.4.3). Any aligned part can be read.
 * Fields are written as a whole, 64-bit fields in halves; any other write is ignored (§4.1.3.1).
 */
final class CommonConfig {
    private static final int DEVICE_FEATURE_SELECT = 0x00;
    private static final int DEVICE_FEATURE = 0x04;
    private static final int DRIVER_FEATURE_SELECT = 0x08;
    private static final int DRIVER_FEATURE = 0x0c;
    private static final int CONFIG_VECTOR = 0x10;
    private static final int STATUS = 0x14;
    private static final int GENERATION = 0x15;
    private static final int QUEUE_SELECT = 0x16;
    private static final int QUEUE_SIZE = 0x18;
    private static final int QUEUE_VECTOR = 0x1a;
    private static final int QUEUE_ENABLE = 0x1c;
    private static final int QUEUE_DESCRIPTORS = 0x20;
    private static final int QUEUE_DRIVER = 0x28;
    private static final int QUEUE_DEVICE = 0x30;
    private static final int QUEUE_RESET = 0x3a;
    private static final int LAST_WORD = 0x38;
    private static final int WORD = 4;
    private static final long LOW_HALF = 0xffff_ffffL;

    private final VirtioDevice device;
    private final DeviceLife life;
    private final VirtioInterrupts interrupts;
    private int deviceFeatureSelect;
    private int driverFeatureSelect;
    private int queueSelect;
    private byte[] seen;
    private int generation;

    CommonConfig(VirtioDevice device, DeviceLife life, VirtioInterrupts interrupts) {
        this.device = device;
        this.life = life;
        this.interrupts = interrupts;
        this.seen = new byte[device.configSize()];
    }

    /** @param offset in the structure, a multiple of {@code size} */
    long read(int offset, int size) {
        int word = offset & -WORD;
        if (offset <= GENERATION && offset + size > GENERATION) lookAtConfiguration();
        return Integer.toUnsignedLong(word(word)) >>> (Byte.SIZE * (offset - word));
    }

    private int word(int offset) {
        QueueRegisters queue = life.queue(queueSelect);
        return switch (offset) {
            case DEVICE_FEATURE_SELECT -> deviceFeatureSelect;
            case DEVICE_FEATURE -> half(life.offered(), deviceFeatureSelect);
            case DRIVER_FEATURE_SELECT -> driverFeatureSelect;
            case DRIVER_FEATURE -> half(life.accepted(), driverFeatureSelect);
            case CONFIG_VECTOR -> interrupts.configVector() | (life.queueCount() << 16);
            case STATUS -> life.status() | (generation << 8) | (queueSelect << 16);
            default -> queue == null ? 0 : word(queue, offset);
        };
    }

    private int word(QueueRegisters queue, int offset) {
        return switch (offset) {
            case QUEUE_SIZE -> queue.size | (queue.vector << 16);
            // Followed by queue_notify_off, which equals the queue's index.
            case QUEUE_ENABLE -> (queue.enabled ? 1 : 0) | (queueSelect << 16);
            case QUEUE_DESCRIPTORS -> (int) queue.descriptors;
            case QUEUE_DESCRIPTORS + WORD -> (int) (queue.descriptors >>> 32);
            case QUEUE_DRIVER -> (int) queue.driverArea;
            case QUEUE_DRIVER + WORD -> (int) (queue.driverArea >>> 32);
            case QUEUE_DEVICE -> (int) queue.deviceArea;
            case QUEUE_DEVICE + WORD -> (int) (queue.deviceArea >>> 32);
            default -> 0; // no notification data; a queue reset is complete before it can be read
        };
    }

    private static int half(long features, int select) {
        return switch (select) {
            case 0 -> (int) features;
            case 1 -> (int) (features >>> 32);
            default -> 0;
        };
    }

    /**
     * config_generation changes when the device's configuration differs from that at the last read; a driver that reads
     * it before and after detects an inconsistent read.
     */
    private void lookAtConfiguration() {
        byte[] now = new byte[seen.length];
        device.readConfig(0, now);
        if (!Arrays.equals(now, seen)) generation = (generation + 1) & 0xff;
        seen = now;
    }

    /** The parameters are those of {@link #read}. */
    void write(int offset, int size, long value) {
        switch (size) {
            case 1 -> {
                if (offset == STATUS) setStatus((int) value & 0xff);
            }
            case 2 -> write16(offset, (int) value & 0xffff);
            case WORD -> write32(offset, (int) value);
            default -> throw new IllegalArgumentException("an access of " + size + " bytes");
        }
    }

    private void setStatus(int status) {
        life.setStatus(status);
        if (status == 0) clearSelections();
    }

    private void clearSelections() {
        deviceFeatureSelect = 0;
        driverFeatureSelect = 0;
        queueSelect = 0;
    }

    private void write16(int offset, int value) {
        switch (offset) {
            case CONFIG_VECTOR -> interrupts.setConfigVector(value);
            case QUEUE_SELECT -> queueSelect = value;
            default -> {
                QueueRegisters queue = life.queue(queueSelect);
                if (queue != null) write16(queue, offset, value);
            }
        }
    }

    private void write16(QueueRegisters queue, int offset, int value) {
        switch (offset) {
            case QUEUE_SIZE -> {
                if (isOpen(queue)) queue.size = value;
            }
            // Drivers may change the vector at any time.
            case QUEUE_VECTOR -> queue.vector = interrupts.vector(value);
            case QUEUE_ENABLE -> {
                if (value == 1) {
                    life.enable(queueSelect);
                } else {
                    life.complain("%d is written to queue_enable of queue %d: only 1 is allowed".formatted(value,
                            queueSelect));
                }
            }
            case QUEUE_RESET -> {
                if (value == 1) life.resetQueue(queueSelect);
            }
            default -> {
            }
        }
    }

    private void write32(int offset, int value) {
        switch (offset) {
            case DEVICE_FEATURE_SELECT -> deviceFeatureSelect = value;
            case DRIVER_FEATURE_SELECT -> driverFeatureSelect = value;
            case DRIVER_FEATURE -> life.accept(driverFeatureSelect, value);
            default -> {
                QueueRegisters queue = life.queue(queueSelect);
                if (queue != null && offset >= QUEUE_DESCRIPTORS && offset < LAST_WORD && isOpen(queue))
                    setAddress(queue, offset, value);
            }
        }
    }

    private static void setAddress(QueueRegisters queue, int offset, int value) {
        boolean high = (offset & WORD) != 0;
        switch (offset & ~WORD) {
            case QUEUE_DESCRIPTORS -> queue.descriptors = with(queue.descriptors, high, value);
            case QUEUE_DRIVER -> queue.driverArea = with(queue.driverArea, high, value);
            default -> queue.deviceArea = with(queue.deviceArea, high, value);
        }
    }

    private static long with(long address, boolean high, int half) {
        long bits = Integer.toUnsignedLong(half);
        return high ? (address & LOW_HALF) | (bits << 32) : (address & ~LOW_HALF) | bits;
    }

    /** Whether the driver may configure the queue: an enabled queue must not change. */
    private boolean isOpen(QueueRegisters queue) {
        if (queue.enabled) life.complain("queue " + queueSelect + " is changed while it is enabled");
        return !queue.enabled;
    }

    /** Resets to power-on, except the generation, which never repeats. */
    void reset() {
        clearSelections();
    }
}
