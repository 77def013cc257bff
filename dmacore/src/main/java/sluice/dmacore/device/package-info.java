/**
 * Devices as the core sees them: DMA constraints, address spaces, and whether they snoop. This is configuration: the
 * same device may run with or without an IOMMU.
 *
 * <p>Must not depend on buffers or importers.
 */
@NullMarked
package sluice.dmacore.device;

import org.jspecify.annotations.NullMarked;
