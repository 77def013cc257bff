/**
 * Reports of a recording: sums by kind, buffer and frame, and single events, as text, JSON, CSV and Chrome trace.
 *
 * <p>A recording may be larger than memory, and is untrusted: it is read once, with bounded state, and its numbers are
 * checked. Must not use devices, sockets or the file format.
 */
@NullMarked
package sluice.vdev.trace;

import org.jspecify.annotations.NullMarked;
