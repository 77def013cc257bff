/**
 * An aperture whose addresses are computed: pictures in two dimensions, seen in any of eight orientations, over pages that
 * lie anywhere. It is modelled on the tiler of TI's OMAP (linux drivers/gpu/drm/omapdrm, omap_dmm_tiler.c) and is here as
 * the proof that a strange IOMMU is one more {@code DeviceView}: what stands behind an attachment is an address and a
 * stride, whoever made them.
 *
 * <p>Only geometry enters. Pages, lifetimes and faults are those of the address space underneath.
 */
@NullMarked
package sluice.iommu.tiler;

import org.jspecify.annotations.NullMarked;
