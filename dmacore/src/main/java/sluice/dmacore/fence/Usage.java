package sluice.dmacore.fence;

/**
 * How the work behind a fence uses a buffer, strongest class first: a wait for one class includes all stronger ones.
 * Source: {@code enum dma_resv_usage} in the kernel's {@code include/linux/dma-resv.h}.
 */
public enum Usage {
    /** Kernel memory management, such as clearing or moving: must be waited for before any access. */
    KERNEL,
    /** Write access. */
    WRITE,
    /** Read access. */
    READ,
    /** Any other use, outside the order of readers and writers: only a move must wait. */
    BOOKKEEP;

    /** The class a new reader waits for: all writers. */
    public static Usage beforeRead() {
        return WRITE;
    }

    /** The class a new writer waits for: all readers and writers. */
    public static Usage beforeWrite() {
        return READ;
    }

    /** Whether a wait for this class includes another one. */
    public boolean includes(Usage other) {
        return other.compareTo(this) <= 0;
    }
}
