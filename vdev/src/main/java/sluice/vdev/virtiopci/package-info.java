/**
 * Any {@link sluice.vdev.device.VirtioDevice} as a PCI function: virtio over PCI, the modern interface alone (virtio 1.3
 * §4.1). A guest finds vendor 1af4 and the device number 0x1040 + virtio id, and its drivers know it by that.
 *
 * <p>The function has one BAR of structures and one for MSI-X. Rings, buffers and the memory of commands are bus addresses
 * and used in place; ACCESS_PLATFORM is always offered and changes nothing here. Memory that the front-end maps without a
 * file cannot hold any of them. Shared memory of a device will be a BAR of its own over a memfd; none has any yet, and the
 * capability for it is left out.
 *
 * <p>No kind of device may enter, and no protocol: a transport serves this as it serves any {@link
 * sluice.vdev.device.PciFunction}. {@link sluice.vdev.host.DeviceQueues} runs the queues, as it does for vhost-user.
 */
@NullMarked
package sluice.vdev.virtiopci;

import org.jspecify.annotations.NullMarked;
