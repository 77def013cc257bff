/**
 * The QEMU on this host: where it is, which of its devices can be attached to Sluice, and the command line that does it.
 *
 * <p>Nothing here is needed to serve a device. Transports and the command line may not enter.
 */
@NullMarked
package sluice.vdev.qemu;

import org.jspecify.annotations.NullMarked;
