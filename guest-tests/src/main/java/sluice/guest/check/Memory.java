package sluice.guest.check;

/** Where a cell's buffers come from. */
enum Memory {
    MMAP("mmap", Kind.OWN, true, "the driver's own buffers", "nothing"),
    EXPBUF("expbuf", Kind.EXPORTED, true, "the driver's own buffers, exported and read as dma-bufs", "VIDIOC_EXPBUF"),
    USERPTR("userptr", Kind.USER, false, "anonymous memory of the program",
            "V4L2_MEMORY_USERPTR, which none of these drivers takes: the DMA of saa7134 begins with a page, and a pointer anywhere; dt3155 and tw686x leave it out"),
    UDMABUF("udmabuf", Kind.IMPORTED, false, "single pages of a memfd, in reverse order, by /dev/udmabuf",
            "CONFIG_UDMABUF"),
    UDMABUF_HUGE("udmabuf-huge", Kind.IMPORTED, true, "a part of a huge page, by /dev/udmabuf",
            "CONFIG_UDMABUF, CONFIG_HUGETLBFS"),
    UDMABUF_TWICE("udmabuf-twice", Kind.IMPORTED, false, "pages of a memfd, one of them twice, by /dev/udmabuf",
            "CONFIG_UDMABUF"),
    DUMB("dumb", Kind.IMPORTED, false, "dumb buffers of QEMU's virtio-gpu", "CONFIG_DRM_VIRTIO_GPU"),
    BLOB("blob", Kind.IMPORTED, false, "dumb buffers of a virtio-gpu with blobs", "CONFIG_DRM_VIRTIO_GPU"),
    VGEM("vgem", Kind.IMPORTED, false, "dumb buffers of vgem", "CONFIG_DRM_VGEM"),
    HEAP("heap", Kind.IMPORTED, false, "buffers of the system heap", "CONFIG_DMABUF_HEAPS_SYSTEM"),
    VIVID("vivid", Kind.IMPORTED, true, "contiguous buffers of another capture driver", "CONFIG_VIDEO_VIVID"),
    BAR("bar", Kind.PAGELESS, false, "memory of another PCI device, which has no pages, by vfio-pci",
            "CONFIG_VFIO_PCI, CONFIG_VFIO_PCI_DMABUF, and a machine with an IOMMU");

    /** What can be done with it. */
    private enum Kind {
        /** It belongs to the driver, and is no dma-buf. */
        OWN,
        /** It belongs to the driver, and is a dma-buf besides. */
        EXPORTED,
        /** It belongs to the program. */
        USER,
        /** A dma-buf of another exporter, of pages. */
        IMPORTED,
        /** A dma-buf of another exporter, without pages. */
        PAGELESS
    }

    private final String label;
    private final Kind kind;
    private final boolean contiguous;
    private final String help;
    private final String needs;

    Memory(String label, Kind kind, boolean contiguous, String help, String needs) {
        this.label = label;
        this.kind = kind;
        this.contiguous = contiguous;
        this.help = help;
        this.needs = needs;
    }

    /** On the command line. */
    String label() {
        return label;
    }

    /** What it is, in some words. */
    String help() {
        return help;
    }

    /** What the kernel, or the driver, must have for it. */
    String needs() {
        return needs;
    }

    /** Whether a card reaches all of a buffer at neighbouring addresses without an IOMMU. */
    boolean isContiguous() {
        return contiguous;
    }

    /** Whether the driver may refuse it: memory without pages need not be taken, and must not be taken for some that has pages. */
    boolean mayBeRefused() {
        return kind == Kind.PAGELESS;
    }

    /** Whether it can be used in a way at all. */
    boolean takes(Use use) {
        return switch (use) {
            case SYNC -> true;
            case NO_SYNC, WRONG_SYNC -> kind == Kind.IMPORTED || kind == Kind.EXPORTED;
            case CLOSED -> kind == Kind.IMPORTED;
            // What is unmapped of anonymous memory is gone.
            case MUNMAP -> kind != Kind.USER && kind != Kind.PAGELESS;
            case FORK, KILLED, REQUEUED, FREED -> kind != Kind.PAGELESS;
            // Another driver's pictures have the length that they have.
            case SHORT -> this != VIVID && (kind == Kind.IMPORTED || kind == Kind.USER);
        };
    }
}
