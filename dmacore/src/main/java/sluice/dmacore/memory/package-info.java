/**
 * Guest memory: files mapped once, generations of the memory table, and the runs to which addresses resolve.
 *
 * <p>Input is a descriptor of a backing file and a table of regions; output is {@link sluice.dmacore.memory.Runs},
 * pieces of (mapping, offset, length). Faults are prevented: sizes are checked against the file, a file without
 * F_SEAL_SHRINK is reported, and a mapping lives while it is referenced. Must not use devices, queues or sockets.
 */
@NullMarked
package sluice.dmacore.memory;

import org.jspecify.annotations.NullMarked;
