/**
 * A process that serves devices: the catalogue of devices, their options, environments, sockets and reports, and the
 * shutdown. It knows every transport and, but by their providers, no device.
 *
 * <p>Must not use the command line.
 */
@NullMarked
package sluice.vdev.serve;

import org.jspecify.annotations.NullMarked;
