/**
 * The flight recorder: events into a memory-mapped file that survives the process. The only place that knows Chronicle Bytes.
 *
 * <p>Chronicle gives unchecked atomic stores into the mapping and the cursor over the names. It does not own the mapping:
 * nothing keeps a store of Chronicle's mapped while a writer is in it, and a JVM dies of that, so the mapping is one of the
 * JVM's own, which cannot go before the writer. What the file looks like is said in {@link sluice.dmacore.trace.recording.Layout}, and read there
 * without Chronicle.
 */
@NullMarked
package sluice.dmacore.trace.chronicle;

import org.jspecify.annotations.NullMarked;
