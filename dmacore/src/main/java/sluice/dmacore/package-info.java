/**
 * Guest memory, dma-bufs, ownership and cache maintenance: the middle floor.
 *
 * <p>Everything here speaks of memory and of who owns it; devices, queues and sockets live above. Linux is called only
 * from {@link sluice.dmacore.linux}, Chronicle Bytes only from {@code sluice.dmacore.trace.chronicle}.
 */
@NullMarked
package sluice.dmacore;

import org.jspecify.annotations.NullMarked;
