package sluice.guest;

import java.util.List;

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

    /**
     * A root that it leaves out, of which firmware tells the kernel: addresses of functions behind it are guest physical. Its slot is above
     * those that QEMU assigns.
     */
    private static final QemuBus UNTRANSLATED = new QemuBus("untranslated",
            List.of("{\"driver\":\"pxb-pcie\",\"id\":\"bypass\",\"bus\":\"pcie.0\",\"addr\":\"0xe\",\"bus_nr\":64,\"bypass_iommu\":true}",
                    "{\"driver\":\"pcie-root-port\",\"id\":\"untranslated\",\"bus\":\"bypass\",\"chassis\":1}"));

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

    /** A bus whose functions it does not translate; the machine's own where there is no IOMMU. */
    public QemuBus untranslated() {
        return this == NONE ? QemuBus.NONE : UNTRANSLATED;
    }

    /** Arguments of the guest's kernel, separated by spaces; may be empty. */
    public String kernel() {
        return kernel;
    }
}
