/**
 * A VNC server for the scan-outs of a GPU: RFB 3.3, 3.7 and 3.8 (RFC 6143), with the encodings Raw and ZRLE, and the
 * pseudo-encodings and the TLS (VeNCrypt) that the community's rfbproto.rst adds.
 *
 * <p>The device's loop only marks what has changed, in {@link sluice.vdev.rfb.Screen}. Pixels of host copies are read,
 * encoded and sent on the server's loop, when a viewer asks for them; those in guest pages are fetched through the
 * device's loop, a few rows at a time. Devices do not know this package, and it knows no transport and no QEMU.
 */
@NullMarked
package sluice.vdev.rfb;

import org.jspecify.annotations.NullMarked;
