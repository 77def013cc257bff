/**
 * An aperture with computed addresses: two-dimensional pictures in any of eight orientations, over scattered pages.
 * Modelled on the tiler of TI's OMAP (Linux drivers/gpu/drm/omapdrm/omap_dmm_tiler.c), as an example of an unusual
 * IOMMU behind the interface {@code DeviceView}.
 *
 * <p>Contains geometry only; pages, lifetimes and faults belong to the underlying address space.
 */
@NullMarked
package sluice.iommu.tiler;

import org.jspecify.annotations.NullMarked;
