package sluice.guest.check;

/**
 * A machine's configuration; each needs its own boot.
 *
 * @param iommu of the VM
 * @param bounces whether the kernel bounces all DMA ({@code swiotlb=force})
 * @param snoops whether the card snoops the CPU's caches
 */
record Setup(Iommu iommu, boolean bounces, boolean snoops) {
    /** A VM's IOMMU. */
    enum Iommu {
        NONE("none", "", ""),
        INTEL_LAZY("intel-lazy", "intel-iommu,intremap=off,caching-mode=on", "intel_iommu=on"),
        INTEL_STRICT("intel-strict", "intel-iommu,intremap=off,caching-mode=on", "intel_iommu=on iommu.strict=1"),
        /** Strict, because Linux 7.2 may hang at power-off: the timer of its lazy mode outlives the IOMMU. */
        VIRTIO("virtio", "virtio-iommu-pci", "iommu.strict=1");

        private final String label;
        private final String device;
        private final String kernel;

        Iommu(String label, String device, String kernel) {
            this.label = label;
            this.device = device;
            this.kernel = kernel;
        }

        /** The name on the command line. */
        String label() {
            return label;
        }

        /** Its value of {@code -device}; empty for none. */
        String device() {
            return device;
        }
    }

    /** Its kernel parameters. */
    String kernel() {
        return (iommu.kernel + (bounces ? " swiotlb=force" : "")).strip();
    }

    /** One word for each part, for the names of cells. */
    String label() {
        return "iommu-%s.%s.%s".formatted(iommu.label, bounces ? "bounced" : "direct",
                snoops ? "coherent" : "non-coherent");
    }
}
