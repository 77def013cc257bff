package sluice.dmacore.buffer;

/**
 * Callback of a dynamic importer before its buffer moves: {@code invalidate_mappings} of {@code
 * include/linux/dma-buf.h}.
 */
@FunctionalInterface
public interface MoveListener {
    /**
     * The buffer is about to move. Mappings must be unmapped, here or later: after the core's bound they are revoked.
     * May call {@link DeviceMapping#unmap()} and no other method of the buffer.
     */
    void moving(Attachment attachment);
}
