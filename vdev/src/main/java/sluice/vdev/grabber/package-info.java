/**
 * A frame grabber with the registers of the DT3155 used by Linux's drivers/media/pci/dt3155, fed by a test pattern or a
 * file. It captures grey pictures and writes them by DMA, field by field.
 *
 * <p>Must not use sockets, QEMU or Netty.
 */
@NullMarked
package sluice.vdev.grabber;

import org.jspecify.annotations.NullMarked;
