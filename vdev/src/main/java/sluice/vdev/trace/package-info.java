/**
 * What a recording says: sums by kind, buffer and frame, and the events one by one, as text, JSON, CSV and Chrome trace.
 *
 * <p>A recording may be larger than our memory and made by anybody: all of this goes through it once, keeps a bounded part, and
 * believes no number. Devices, sockets and files' formats do not enter.
 */
@NullMarked
package sluice.vdev.trace;

import org.jspecify.annotations.NullMarked;
