/**
 * Which addresses are free: finding room, keeping what was just freed from being used again, remembering whose it was.
 *
 * <p>Bookkeeping of one thread at a time; it knows no table and no reader.
 */
@NullMarked
package sluice.iommu.allocation;

import org.jspecify.annotations.NullMarked;
