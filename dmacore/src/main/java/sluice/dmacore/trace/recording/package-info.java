/**
 * Recordings: what a flight recorder's file looks like, and how it is read.
 *
 * <p>Reading needs the file and nothing else: no mapping, so that a file which somebody cuts off or damages while it is read
 * is an error or a count and never a fault, and no Chronicle. Who writes is not known here.
 */
@NullMarked
package sluice.dmacore.trace.recording;

import org.jspecify.annotations.NullMarked;
