/**
 * The vhost-user protocol, back-end side (QEMU docs/interop/vhost-user.rst).
 *
 * <p>From the socket to {@link sluice.vdev.host.DeviceHost}: framing, decoding into {@link
 * sluice.vdev.vhostuser.FrontEndMessage}s, and the session that carries them out on the control loop. It serves any
 * {@link sluice.vdev.device.VirtioDevice} and knows none of them.
 */
@NullMarked
package sluice.vdev.vhostuser;

import org.jspecify.annotations.NullMarked;
