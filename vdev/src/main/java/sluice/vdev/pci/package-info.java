/**
 * The parts of a PCI function: its configuration space, its BARs, its MSI-X table (PCI Local Bus Specification 3.0, 6).
 *
 * <p>What has them is a device. Devices, sockets, QEMU and Netty may not enter.
 */
@NullMarked
package sluice.vdev.pci;

import org.jspecify.annotations.NullMarked;
