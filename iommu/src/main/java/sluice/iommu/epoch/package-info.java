/**
 * How long what a reader found stays true: readers say when they begin and end to use a table, and never lock; a writer
 * that took something away waits, up to a bound, until nobody can still use it.
 *
 * <p>Nothing about addresses or tables is known here. The only thing that may block is the writer's wait.
 */
@NullMarked
package sluice.iommu.epoch;

import org.jspecify.annotations.NullMarked;
