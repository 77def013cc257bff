/**
 * The QEMU on this host: its path, its devices that can be attached to Sluice, and the command line for that.
 *
 * <p>Serving a device does not need it. Must not use transports or the command line.
 */
@NullMarked
package sluice.vdev.qemu;

import org.jspecify.annotations.NullMarked;
