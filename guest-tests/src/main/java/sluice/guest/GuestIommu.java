package sluice.guest;

/** An IOMMU of a virtual machine, with what its guest's kernel is told of it. */
public enum GuestIommu {
    /** The driver's DMA addresses are guest physical addresses. */
    NONE("none", "", ""),
    /** The default of Linux: it invalidates unmapped ranges in bulk, some milliseconds later. */
    INTEL_LAZY("intel-lazy", "intel-iommu,intremap=off,caching-mode=on", "intel_iommu=on"),
    /** Each unmapped range is invalidated at once. */
    INTEL_STRICT("intel-strict", "intel-iommu,intremap=off,caching-mode=on", "intel_iommu=on iommu.strict=1"),
    /** Strict, because Linux 7.2 may hang when it powers off: the timer of its lazy mode outlives the IOMMU. */
    VIRTIO("virtio", "virtio-iommu-pci", "iommu.strict=1");

    private final String label;
    private final String device;
    private final String kernel;

    GuestIommu(String label, String device, String kernel) {
        this.label = label;
        this.device = device;
        this.kernel = kernel;
    }

    /** Its name on command lines and in reports. */
    public String label() {
        return label;
    }

    /** What {@code -device} of QEMU takes, before the devices behind it; empty for no IOMMU. */
    public String device() {
        return device;
    }

    /** Arguments of the guest's kernel, separated by spaces; may be empty. */
    public String kernel() {
        return kernel;
    }
}
