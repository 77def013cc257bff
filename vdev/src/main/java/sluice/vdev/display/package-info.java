/**
 * The vhost-user-gpu display protocol, back-end side (QEMU docs/interop/vhost-user-gpu.rst): the front-end's screen as a
 * {@link sluice.vdev.gpu.Display}.
 *
 * <p>Sends nothing that crashes a stock QEMU: no update without a scan-out, outside of it, or with a short payload. The
 * socket is served on the device's loop without blocking. Must not use queues or guest memory.
 */
@NullMarked
package sluice.vdev.display;

import org.jspecify.annotations.NullMarked;
