package sluice.dmacore.buffer;

/**
 * What a dynamic importer does when its buffer is about to move: {@code invalidate_mappings} of
 * {@code include/linux/dma-buf.h}.
 */
@FunctionalInterface
public interface MoveListener {
    /**
     * The buffer moves. What is mapped is to be unmapped, here or soon: after the core's bound it is taken away. May call
     * {@link DeviceMapping#unmap()}, and nothing else of the buffer.
     */
    void moving(Attachment attachment);
}
