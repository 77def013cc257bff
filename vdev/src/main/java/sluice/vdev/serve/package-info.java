/**
 * A process that serves devices: which devices there are, what a user says of each, what each is given, its socket, its report, its
 * end. It knows every transport and, but by their providers, no device.
 *
 * <p>The command line may not enter.
 */
@NullMarked
package sluice.vdev.serve;

import org.jspecify.annotations.NullMarked;
