/**
 * A frame grabber: the register set of the DT3155 that Linux's driver drivers/media/pci/dt3155 knows, fed by a test pattern or
 * a file. It grabs grey pictures, and writes them by DMA, one field after the other.
 *
 * <p>It knows neither sockets nor QEMU nor Netty.
 */
@NullMarked
package sluice.vdev.grabber;

import org.jspecify.annotations.NullMarked;
