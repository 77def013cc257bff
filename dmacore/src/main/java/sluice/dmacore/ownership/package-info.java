/**
 * Whose turn it is with each cache line, and what the caches have to do when that changes. The ledger knows the lines of
 * memory and not buffers: a line that two buffers share has one owner. The gate is the only way to change it.
 *
 * <p>No device may enter here, no importer and no address but those of lines.
 */
@NullMarked
package sluice.dmacore.ownership;

import org.jspecify.annotations.NullMarked;
