/**
 * The parts of a PCI function: its configuration space, its BARs, its MSI-X table (PCI Local Bus Specification 3.0, 6).
 *
 * <p>Must not use devices, sockets, QEMU or Netty.
 */
@NullMarked
package sluice.vdev.pci;

import org.jspecify.annotations.NullMarked;
