/**
 * The flight recorder: events into a memory-mapped file that survives the process. The only place that knows Chronicle Bytes.
 *
 * <p>Chronicle gives unchecked atomic stores into the mapping and the cursor over the names. It does not own the mapping: a
 * store of Chronicle's that is released under a writer kills the JVM, so the mapping is one of the JVM's own, which cannot go
 * while a writer is at it. What the file looks like is said in {@link sluice.dmacore.trace.recording.Layout}, and read there
 * without Chronicle.
 */
@NullMarked
package sluice.dmacore.trace.chronicle;

import org.jspecify.annotations.NullMarked;
