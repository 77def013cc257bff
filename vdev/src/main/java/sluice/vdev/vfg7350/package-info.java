/**
 * An MPEG encoder card: the register set of the RTD VFG7350 that Linux's driver drivers/media/pci/saa7134 knows (SAA7133 with the
 * encoder SAA6752HS), as far as its transport stream port needs it. It writes packets by DMA through a page table of its own in the
 * guest's memory, so that buffers may be scattered without an IOMMU.
 *
 * <p>It knows neither sockets nor QEMU nor Netty. Pictures are not encoded here: the stream comes from a {@link
 * sluice.vdev.vfg7350.PacketSource}.
 */
@NullMarked
package sluice.vdev.vfg7350;

import org.jspecify.annotations.NullMarked;
