/**
 * Guest memory, dma-bufs, ownership and cache maintenance: the module between {@code iommu} and {@code vdev}.
 *
 * <p>Contains memory and its ownership; devices, queues and sockets belong to {@code vdev}. Linux is called only from
 * {@link sluice.dmacore.linux}, Chronicle Bytes only from {@code sluice.dmacore.trace.chronicle}.
 */
@NullMarked
package sluice.dmacore;

import org.jspecify.annotations.NullMarked;
