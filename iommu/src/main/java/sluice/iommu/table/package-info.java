/**
 * Translation tables, as arrays of numbers.
 *
 * <p>One thread at a time writes, any number of threads read without locks. A reader that races with a writer may miss
 * a new entry and then retries; {@code sluice.iommu.epoch} ensures that cleared entries are not used. Must not contain
 * ownership, faults or policy, which belong to {@code sluice.iommu.space}.
 */
@NullMarked
package sluice.iommu.table;

import org.jspecify.annotations.NullMarked;
