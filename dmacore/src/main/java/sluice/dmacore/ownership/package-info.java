/**
 * Ownership of cache lines, and the cache operations of its changes. The ledger is keyed by lines of memory, not by
 * buffers: a line shared by two buffers has one owner. Only the gate changes it.
 *
 * <p>Must not use devices, importers, or addresses other than those of lines.
 */
@NullMarked
package sluice.dmacore.ownership;

import org.jspecify.annotations.NullMarked;
