/**
 * A capture card of 4 or 8 channels: the registers of Techwell's TW6864 to TW6869, as far as Linux's driver
 * drivers/media/pci/tw686x uses them. Each channel writes its pictures alternately into two buffers, P and B: whole, both fields
 * interleaved, to one address, or field by field by a list of pages.
 *
 * <p>Audio is left out: its channels can be set up, and deliver nothing.
 *
 * <p>It knows neither sockets nor QEMU nor Netty. Pictures come from a {@link sluice.vdev.video.FrameSource}.
 */
@NullMarked
package sluice.vdev.tw686x;

import org.jspecify.annotations.NullMarked;
