/**
 * An MPEG encoder card: the registers of the RTD VFG7350 used by Linux's drivers/media/pci/saa7134 (SAA7133 with the
 * encoder SAA6752HS), as far as needed for its transport stream port. It writes packets by DMA through a page table of
 * its own in the guest's memory, so that buffers may be scattered without an IOMMU.
 *
 * <p>Must not use sockets, QEMU or Netty, or a codec library: the stream comes from a {@link
 * sluice.vdev.vfg7350.PacketSource}, of which one encodes pictures by {@link sluice.vdev.codec}.
 */
@NullMarked
package sluice.vdev.vfg7350;

import org.jspecify.annotations.NullMarked;
