/**
 * Virtual devices and what carries them: queues, transports, device SPIs, devices, command line.
 *
 * <p>Devices know neither sockets nor QEMU; a transport knows no device. The command line is the one place that wires
 * them together.
 */
@NullMarked
package sluice.vdev;

import org.jspecify.annotations.NullMarked;
