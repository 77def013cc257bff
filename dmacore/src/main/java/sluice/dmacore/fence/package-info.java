/**
 * Fences: synchronisation of buffer users. A producer signals, others wait, and a {@link
 * sluice.dmacore.fence.Reservation} holds the fences for which a buffer's next user must wait.
 *
 * <p>Sharing memory is independent of waiting for it: this package knows neither memory nor buffers nor devices, and
 * the rest of the core works without fences. May use {@link sluice.dmacore.linux.Errno} only.
 */
@NullMarked
package sluice.dmacore.fence;

import org.jspecify.annotations.NullMarked;
