/**
 * Recordings: the file format of the flight recorder, and its reader.
 *
 * <p>The reader uses neither a mapping, so that a file truncated or damaged while it is read causes an error or a count
 * but never a fault, nor Chronicle. Must not depend on the writer.
 */
@NullMarked
package sluice.dmacore.trace.recording;

import org.jspecify.annotations.NullMarked;
