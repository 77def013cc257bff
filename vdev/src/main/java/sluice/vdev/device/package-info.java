/**
 * What a virtual device is to Sluice: the seam between devices and transports.
 *
 * <p>A device implements {@link sluice.vdev.device.VirtioDevice} and is called on its own device loop only. Sockets,
 * QEMU and Netty may not enter.
 */
@NullMarked
package sluice.vdev.device;

import org.jspecify.annotations.NullMarked;
