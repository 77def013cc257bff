/**
 * What a virtual device is to Sluice: the seam between devices and whatever serves them.
 *
 * <p>A device is a {@link sluice.vdev.device.VirtioDevice} or a {@link sluice.vdev.device.PciFunction}; it is called on its own loop
 * only, and finds all that it may use in its {@link sluice.vdev.device.DeviceEnvironment}. Sockets, QEMU and Netty may not enter.
 */
@NullMarked
package sluice.vdev.device;

import org.jspecify.annotations.NullMarked;
