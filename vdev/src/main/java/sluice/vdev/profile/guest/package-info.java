/**
 * What a guest's kernel has told of its driver, on the clock of a flight recording.
 *
 * <p>A trace is the guest's, and may say anything; it is read with bounded state, and what does not fit the recording is told, not
 * guessed. Must not use devices, sockets or the command line.
 */
@NullMarked
package sluice.vdev.profile.guest;

import org.jspecify.annotations.NullMarked;
