package sluice.vdev.queue;

/**
 * Where a split queue lies, in the addresses the driver gave (virtio 1.3 §2.7).
 *
 * @param size number of descriptors, a power of two, 1 to 32768
 * @param descriptors address of the descriptor table, 16 bytes each
 * @param available address of the available ring (driver area)
 * @param used address of the used ring (device area)
 */
public record QueueLayout(int size, long descriptors, long available, long used) {
    /** The most descriptors a split queue may have (§2.7). */
    public static final int MAX_SIZE = 32_768;

    public QueueLayout {
        if (size < 1 || size > MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(
                    "queue size " + size + " is not a power of two between 1 and " + MAX_SIZE);
        }
        requireAligned("descriptor table", descriptors, 16);
        requireAligned("available ring", available, 2);
        requireAligned("used ring", used, 4);
    }

    private static void requireAligned(String what, long address, int alignment) {
        if ((address & (alignment - 1)) != 0) {
            throw new IllegalArgumentException(
                    "%s at 0x%x is not aligned to %d bytes".formatted(what, address, alignment));
        }
    }

    long descriptorBytes() {
        return 16L * size;
    }

    /** Flags, index, ring and used_event. */
    long availableBytes() {
        return 6 + 2L * size;
    }

    /** Flags, index, ring and avail_event. */
    long usedBytes() {
        return 6 + 8L * size;
    }
}
