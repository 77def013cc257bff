/**
 * The vfio-user protocol, server side (QEMU docs/interop/vfio-user.rst, version 0.0).
 *
 * <p>From the socket to {@link sluice.vdev.host.FunctionHost}: framing, decoding into {@link
 * sluice.vdev.vfiouser.ClientMessage}s, and the session that carries them out on the control loop. It serves any {@link
 * sluice.vdev.device.PciFunction} and knows none of them.
 */
@NullMarked
package sluice.vdev.vfiouser;

import org.jspecify.annotations.NullMarked;
