/**
 * Faults on purpose: rules that refuse, delay or lose what would have gone well, so that whoever writes a driver or a
 * device sees how it takes it.
 *
 * <p>Rules are data. They are matched off the fast path only; a space without rules pays nothing for them.
 */
@NullMarked
package sluice.iommu.injection;

import org.jspecify.annotations.NullMarked;
