/**
 * The interface between devices and the hosts that run them.
 *
 * <p>A device is a {@link sluice.vdev.device.VirtioDevice} or a {@link sluice.vdev.device.PciFunction}; it is called on
 * its own loop only, and gets all services from its {@link sluice.vdev.device.DeviceEnvironment}. Must not use sockets,
 * QEMU or Netty.
 */
@NullMarked
package sluice.vdev.device;

import org.jspecify.annotations.NullMarked;
