/**
 * The vhost-user-gpu display protocol, back-end side (QEMU docs/interop/vhost-user-gpu.rst): the front-end's screen as a
 * {@link sluice.vdev.gpu.Display}.
 *
 * <p>What would crash a stock QEMU never leaves this room: no update without a scan-out, none outside it, none that is
 * short. The socket is served on the device's loop and never waited for. No queue and no guest memory may enter.
 */
@NullMarked
package sluice.vdev.display;

import org.jspecify.annotations.NullMarked;
