/**
 * Epoch-based reclamation: readers mark sections in which they use a table, without locks; a writer that has cleared
 * entries waits, up to a bound, until no reader can still use them.
 *
 * <p>Must not depend on addresses or tables. Only the writer's wait may block.
 */
@NullMarked
package sluice.iommu.epoch;

import org.jspecify.annotations.NullMarked;
