/**
 * Fault injection: rules that refuse, delay or drop operations, to test the error handling of drivers and devices.
 *
 * <p>Rules are data. They are matched on the slow path only; a space without rules has no cost.
 */
@NullMarked
package sluice.iommu.injection;

import org.jspecify.annotations.NullMarked;
