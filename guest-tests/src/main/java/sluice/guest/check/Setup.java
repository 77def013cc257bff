package sluice.guest.check;

import sluice.guest.GuestIommu;

/**
 * A machine's configuration; each needs its own boot.
 *
 * @param iommu of the VM
 * @param bounces whether the kernel bounces all DMA ({@code swiotlb=force})
 * @param snoops whether the card snoops the CPU's caches
 */
record Setup(GuestIommu iommu, boolean bounces, boolean snoops) {
    /** The kernel parameter that makes it bounce; empty if it does not. */
    String bounce() {
        return bounces ? "swiotlb=force" : "";
    }

    /** Its kernel parameters. */
    String kernel() {
        return (iommu.kernel() + " " + bounce()).strip();
    }

    /** One word for each part, for the names of cells. */
    String label() {
        return "iommu-%s.%s.%s".formatted(iommu.label(), bounces ? "bounced" : "direct",
                snoops ? "coherent" : "non-coherent");
    }
}
