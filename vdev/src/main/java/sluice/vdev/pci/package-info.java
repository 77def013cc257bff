/**
 * What a PCI function is to Sluice: its configuration space, its BARs, its interrupts and its DMA.
 *
 * <p>A device implements {@link sluice.vdev.pci.PciFunction} and is called on its own loop only. Sockets, QEMU and Netty may
 * not enter.
 */
@NullMarked
package sluice.vdev.pci;

import org.jspecify.annotations.NullMarked;
