/**
 * Profiles: where the time of each frame went, from a flight recording and a recording of JDK Flight Recorder.
 *
 * <p>A recording is untrusted and may be cut anywhere; it is read with bounded state. Must not use devices, sockets or the command
 * line.
 */
@NullMarked
package sluice.vdev.profile;

import org.jspecify.annotations.NullMarked;
