/**
 * Faults: records of refused accesses, a bounded log of them, and the policies of devices. Must not use tables, or
 * decide whether an access is permitted.
 */
@NullMarked
package sluice.iommu.fault;

import org.jspecify.annotations.NullMarked;
