package sluice.dmacore.linux;

/**
 * What the CPU is about to do with a dma-buf, or has done: the flags of {@code DMA_BUF_IOCTL_SYNC} and its relatives
 * ({@code linux/dma-buf.h}).
 */
public enum SyncAccess {
    /** It reads what a device has written; the kernel's direction FROM_DEVICE. */
    READ(1),
    /** It writes what a device will read; the kernel's direction TO_DEVICE. */
    WRITE(2),
    /** Both; the kernel's direction BIDIRECTIONAL. */
    READ_WRITE(3);

    private final int flags;

    SyncAccess(int flags) {
        this.flags = flags;
    }

    /** {@code DMA_BUF_SYNC_READ}, {@code DMA_BUF_SYNC_WRITE} or both. */
    int flags() {
        return flags;
    }
}
