package sluice.guest.check;

import java.util.List;

/**
 * A required option of the kernel's configuration, built in or as a module.
 *
 * @param name without {@code CONFIG_}
 * @param under options that this one depends on
 * @param purpose short purpose
 */
record KernelOption(String name, List<String> under, String purpose) {
    private static final List<String> MEDIA = List.of("INPUT", "I2C", "RC_CORE", "MEDIA_SUPPORT",
            "MEDIA_ANALOG_TV_SUPPORT", "MEDIA_CAMERA_SUPPORT", "MEDIA_PCI_SUPPORT", "MEDIA_SUBDRV_AUTOSELECT");
    private static final List<String> SOUND = List.of("SOUND", "SND", "INPUT", "I2C", "MEDIA_SUPPORT",
            "MEDIA_ANALOG_TV_SUPPORT", "MEDIA_CAMERA_SUPPORT", "MEDIA_PCI_SUPPORT");

    /** Essential options. */
    static final List<KernelOption> ESSENTIAL = List.of(of("64BIT", "the guest's programs"),
            of("PRINTK", "what the kernel says"), of("TTY", "the guest's console"),
            of("SERIAL_8250", "the guest's console"),
            of("SERIAL_8250_CONSOLE", "the guest's console"), of("PCI", "the card"),
            of("ACPI", "interrupts of PCI functions"), of("BLK_DEV_INITRD", "the guest's files"),
            of("BINFMT_ELF", "the guest's programs"), of("BINFMT_SCRIPT", "the guest's init"),
            of("DEVTMPFS", "device nodes"), of("PROC_FS", "the guest's init"),
            of("SYSFS", "finding the driver's nodes"));

    /** Options of the witness. */
    static final List<KernelOption> WITNESS = List.of(of("MODULES", "the witness"),
            of("MODULE_UNLOAD", "the witness"), of("FTRACE", "the witness"),
            of("FUNCTION_TRACER", "the witness"), of("DYNAMIC_FTRACE", "the witness"));

    /** Options of {@code --witness=trace}. */
    static final List<KernelOption> TRACING = List.of(of("FTRACE", "--witness=trace"),
            of("EVENT_TRACING", "--witness=trace"));

    /** Options without which it does not tell when user space uses a dma-buf. */
    static final List<KernelOption> PROBES = List.of(of("KPROBE_EVENTS", "DMA_BUF_IOCTL_SYNC in the trace"));

    /** Options for a user's program. */
    static final List<KernelOption> PROGRAM = List.of(of("SHMEM", "memfd"), of("TMPFS", "/tmp"),
            of("MEMFD_CREATE", "memfd"), of("UNIX98_PTYS", "terminals"), of("MULTIUSER", "users"));

    /** Options for a distribution as root. */
    static final List<KernelOption> ROOT = List.of(
            new KernelOption("9P_FS", List.of("NET", "NET_9P", "NET_9P_VIRTIO", "VIRTIO_MENU", "VIRTIO_PCI"), "--root"),
            of("OVERLAY_FS", "--root"), of("TMPFS", "--root"));

    private static KernelOption of(String name, String purpose) {
        return new KernelOption(name, List.of(), purpose);
    }

    /** An option with only a name, such as those of exporters. */
    static KernelOption named(String name, String purpose) {
        List<String> under = switch (name) {
            case "UDMABUF" -> List.of("SHMEM", "MEMFD_CREATE", "SYNC_FILE");
            case "DMABUF_HEAPS_SYSTEM", "DMABUF_HEAPS_CMA" -> List.of("DMABUF_HEAPS");
            case "DRM_VIRTIO_GPU" -> List.of("VIRTIO_MENU", "VIRTIO_PCI", "DRM");
            case "DRM_VGEM" -> List.of("DRM");
            case "VIDEO_VIVID" -> List.of("MEDIA_SUPPORT", "MEDIA_TEST_SUPPORT", "V4L_TEST_DRIVERS");
            case "VFIO_PCI", "VFIO_PCI_DMABUF" -> List.of("VFIO", "PCI_MSI");
            case "HUGETLBFS" -> List.of("SHMEM", "TRANSPARENT_HUGEPAGE");
            case "VIRTIO_IOMMU" -> List.of("IOMMU_SUPPORT", "VIRTIO_MENU", "VIRTIO_PCI");
            case "INTEL_IOMMU" -> List.of("IOMMU_SUPPORT", "PCI_MSI");
            case "VIDEO_TW686X" -> SOUND;
            default -> name.startsWith("VIDEO_") ? MEDIA : List.of();
        };
        return new KernelOption(name, under, purpose);
    }

    /** The driver's option, if it has an emulated card; otherwise none. */
    static List<KernelOption> ofDriver(String driver) {
        String name = switch (driver.split(":", 2)[0]) {
            case "saa7134_empress" -> "VIDEO_SAA7134";
            case "dt3155" -> "VIDEO_DT3155";
            case "tw686x" -> "VIDEO_TW686X";
            case "virtio_gpu" -> "DRM_VIRTIO_GPU";
            default -> "";
        };
        return name.isEmpty() ? List.of() : List.of(named(name, "the driver " + driver));
    }

    /** The options of a machine's IOMMU and of bounce buffers. */
    static List<KernelOption> ofSetup(Setup setup) {
        return switch (setup.iommu()) {
            case NONE -> setup.bounces() ? List.of(of("SWIOTLB", "--bounce=force")) : List.of();
            case INTEL_LAZY, INTEL_STRICT -> List.of(named("INTEL_IOMMU", "--iommu=" + setup.iommu().label()));
            case VIRTIO -> List.of(named("VIRTIO_IOMMU", "--iommu=virtio"));
        };
    }

    /** With the prefix {@code CONFIG_}. */
    String full() {
        return "CONFIG_" + name;
    }
}
