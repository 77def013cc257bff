package sluice.dmacore.fence;

/**
 * What the work behind a fence does with a buffer, the most demanding first: whoever waits for one class waits for all that
 * stand before it, too. Source: {@code enum dma_resv_usage} in the kernel's {@code include/linux/dma-resv.h}.
 */
public enum Usage {
    /** The buffer's memory is being cleared or moved: nobody may touch it before. */
    KERNEL,
    /** Somebody writes. */
    WRITE,
    /** Somebody reads. */
    READ,
    /** Somebody uses the memory, but takes no part in the order of readers and writers: only a move has to wait. */
    BOOKKEEP;

    /** The class a new reader waits for: all writers. */
    public static Usage beforeRead() {
        return WRITE;
    }

    /** The class a new writer waits for: all readers and writers. */
    public static Usage beforeWrite() {
        return READ;
    }

    /** Whether who waits for this class waits for the other one. */
    public boolean includes(Usage other) {
        return other.compareTo(this) <= 0;
    }
}
