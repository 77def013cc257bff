package sluice.dmacore.ownership;

/**
 * The direction of a transfer, from the device's point of view: {@code enum dma_data_direction} of {@code
 * include/linux/dma-direction.h}, in its order. Without DMA_NONE.
 */
public enum Direction {
    BIDIRECTIONAL(0, 3),
    /** The device reads. */
    TO_DEVICE(1, 1),
    /** The device writes. */
    FROM_DEVICE(2, 2);

    private static final int READS = 1;
    private static final int WRITES = 2;

    private final int number;
    private final int bits;

    Direction(int number, int bits) {
        this.number = number;
        this.bits = bits;
    }

    /** The kernel's value. */
    public int number() {
        return number;
    }

    /** Whether the device may read. */
    public boolean deviceReads() {
        return (bits & READS) != 0;
    }

    /** Whether the device may write. */
    public boolean deviceWrites() {
        return (bits & WRITES) != 0;
    }

    /** Whether this includes {@code part}. */
    public boolean covers(Direction part) {
        return (part.bits & ~bits) == 0;
    }
}
