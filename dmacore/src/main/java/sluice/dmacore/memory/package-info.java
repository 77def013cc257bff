/**
 * Guest memory: files mapped once, generations of the memory table, and the runs an address resolves to.
 *
 * <p>The way in is a descriptor of a backing file and a table of regions; the way out is {@link
 * sluice.dmacore.memory.Runs}, pieces of (mapping, offset, length). Faults are made impossible here: sizes are checked
 * against the file, seals are asked for, and a mapping is never taken away while somebody holds it. Devices, queues and
 * sockets may not enter.
 */
@NullMarked
package sluice.dmacore.memory;

import org.jspecify.annotations.NullMarked;
