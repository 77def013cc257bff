package sluice.dmacore.linux;

/**
 * The kind of a CPU access to a dma-buf: the flags of {@code DMA_BUF_IOCTL_SYNC} and its relatives ({@code
 * linux/dma-buf.h}).
 */
public enum SyncAccess {
    /** The CPU reads what a device has written; the kernel's direction FROM_DEVICE. */
    READ(1),
    /** The CPU writes what a device will read; the kernel's direction TO_DEVICE. */
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
