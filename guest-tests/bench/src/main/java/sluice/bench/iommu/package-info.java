/**
 * What address spaces cost: translating, mapping, copying through a table, each beside what it is measured by. The ratios
 * are what counts; absolute times are those of the machine.
 */
@NullMarked
package sluice.bench.iommu;

import org.jspecify.annotations.NullMarked;
