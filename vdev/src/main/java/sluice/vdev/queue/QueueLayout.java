package sluice.vdev.queue;

/**
 * Addresses of a queue's areas, as the driver passed them (virtio 1.3 §2.7, §2.8).
 *
 * @param size number of descriptors, 1 to 32768; in a split queue a power of two
 * @param descriptors address of the descriptors, 16 bytes each
 * @param available address of the driver area: available ring, or the driver's event suppression
 * @param used address of the device area: used ring, or the device's event suppression
 */
public record QueueLayout(int size, long descriptors, long available, long used) {
    /** Most descriptors of a queue (§2.7, §2.8). */
    public static final int MAX_SIZE = 32_768;

    public QueueLayout {
        if (size < 1 || size > MAX_SIZE) {
            throw new IllegalArgumentException("queue size %d is not between 1 and %d"
                    .formatted(Integer.toUnsignedLong(size), MAX_SIZE));
        }
    }

    /**
     * Checks size and alignment for the given kind of ring.
     *
     * @throws IllegalArgumentException with the rule
     */
    public void check(RingFeatures features) {
        if (features.packed()) {
            checkPacked();
        } else {
            checkSplit();
        }
    }

    void checkSplit() {
        if (Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(
                    "queue size " + size + " is not a power of two, as a split queue's must be");
        }
        requireAligned("descriptor table", descriptors, 16);
        requireAligned("available ring", available, 2);
        requireAligned("used ring", used, 4);
    }

    void checkPacked() {
        requireAligned("descriptor ring", descriptors, 16);
        requireAligned("driver event suppression", available, 4);
        requireAligned("device event suppression", used, 4);
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
