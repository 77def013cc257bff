package sluice.dmacore.linux;

import org.jspecify.annotations.Nullable;

/**
 * The kernel's description of a dma-buf in {@code /proc/self/fdinfo} ({@code dma_buf_show_fdinfo} in {@code
 * drivers/dma-buf/dma-buf.c}).
 *
 * @param size     bytes
 * @param holders  references to the open file: descriptors of all processes and importing drivers
 * @param exporter the driver whose memory it is, such as {@code udmabuf} or {@code system}; empty if the kernel names none
 * @param name     what {@link DmaBufFile#setName} gave it, or null
 */
public record DmaBufInfo(long size, long holders, String exporter, @Nullable String name) {}
