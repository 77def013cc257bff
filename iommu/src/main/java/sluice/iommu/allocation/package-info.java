/**
 * Allocation of addresses: free ranges, a quarantine for freed ones, and former mappings.
 *
 * <p>Not thread-safe; must not use tables or readers.
 */
@NullMarked
package sluice.iommu.allocation;

import org.jspecify.annotations.NullMarked;
