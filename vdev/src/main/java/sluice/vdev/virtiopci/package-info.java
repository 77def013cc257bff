/**
 * Any {@link sluice.vdev.device.VirtioDevice} as a PCI function: virtio over PCI, modern interface only (virtio 1.3
 * §4.1), with vendor id 0x1af4 and device id 0x1040 + virtio id.
 *
 * <p>The function has one BAR of structures and one for MSI-X. Rings, buffers and command memory are bus addresses and
 * accessed in place; ACCESS_PLATFORM is always offered and has no effect. They cannot be in memory that the front-end
 * maps without a file. A device's shared memory is a BAR of its own over a memfd.
 *
 * <p>Must not contain devices or protocols: a transport serves this like any {@link sluice.vdev.device.PciFunction}.
 * {@link sluice.vdev.host.DeviceQueues} runs the queues, as it does for vhost-user.
 */
@NullMarked
package sluice.vdev.virtiopci;

import org.jspecify.annotations.NullMarked;
