/**
 * A capture card of 4 or 8 channels: the registers of Techwell's TW6864 to TW6869, as far as Linux's driver
 * drivers/media/pci/tw686x uses them. Each channel writes its pictures alternately into two buffers, P and B: whole, both fields
 * interleaved, to one address, or field by field by a list of pages.
 *
 * <p>Audio is not implemented: its channels can be configured, but deliver nothing.
 *
 * <p>Must not use sockets, QEMU or Netty. Pictures come from a {@link sluice.vdev.video.FrameSource}.
 */
@NullMarked
package sluice.vdev.tw686x;

import org.jspecify.annotations.NullMarked;
