/**
 * Fences: when may a buffer be used? A device promises to signal, others wait, and a {@link
 * sluice.dmacore.fence.Reservation} keeps what a buffer's next user has to wait for.
 *
 * <p>Sharing memory and waiting for it are two things: nothing here knows memory, buffers or devices, and the rest of the
 * core works without a single fence. Only Linux's error numbers may enter.
 */
@NullMarked
package sluice.dmacore.fence;

import org.jspecify.annotations.NullMarked;
