/**
 * The flight recorder: events into a memory-mapped file that survives the process. The only package that uses Chronicle
 * Bytes.
 *
 * <p>Chronicle provides unchecked atomic stores to the mapping and the cursor over the names. It does not own the
 * mapping: a Chronicle store may be unmapped while a writer uses it, which kills the JVM, so the mapping is created by
 * the JVM and lives longer than the writers. {@link sluice.dmacore.trace.recording.Layout} defines the file format,
 * which is read without Chronicle.
 */
@NullMarked
package sluice.dmacore.trace.chronicle;

import org.jspecify.annotations.NullMarked;
