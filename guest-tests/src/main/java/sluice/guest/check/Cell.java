package sluice.guest.check;

import org.jspecify.annotations.Nullable;

/**
 * A thing that is tried: a buffer of some origin, used in some way, on a machine of some kind.
 *
 * @param setup of the machine
 * @param memory whose buffers are used
 * @param use how user space uses them
 * @param program the name of a user's own program that is run instead, or null; memory and use mean nothing then
 */
record Cell(Setup setup, Memory memory, Use use, @Nullable String program) {
    /** One of our own. */
    Cell(Setup setup, Memory memory, Use use) {
        this(setup, memory, use, null);
    }

    /** A user's program on a machine. */
    static Cell of(Setup setup, String program) {
        return new Cell(setup, Memory.MMAP, Use.SYNC, program);
    }

    /** What is tried, on whichever machine. */
    String what() {
        return program == null ? memory.label + "." + use.label : program;
    }


    /** Where buffers come from. */
    enum Memory {
        MMAP("mmap", "the driver's own buffers", "nothing"),
        UDMABUF("udmabuf", "single pages of a memfd, in reverse order, by /dev/udmabuf", "CONFIG_UDMABUF"),
        DUMB("dumb", "dumb buffers of virtio-gpu", "CONFIG_DRM_VIRTIO_GPU"),
        HEAP("heap", "buffers of the system heap", "CONFIG_DMABUF_HEAPS_SYSTEM");

        private final String label;
        private final String help;
        private final String needs;

        Memory(String label, String help, String needs) {
            this.label = label;
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

        /** What the kernel must have for it. */
        String needs() {
            return needs;
        }
    }

    /** What user space does around its accesses. */
    enum Use {
        /** DMA_BUF_IOCTL_SYNC where it is due. */
        SYNC("sync"),
        /** None at all, which is a mistake of user space's: the cell passes if that shows where it must. */
        NO_SYNC("no-sync");

        private final String label;

        Use(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /** Its name in reports: letters, digits, dots and hyphens. */
    String name() {
        return "%s.%s".formatted(setup.label(), what());
    }

    /** What it does, in a sentence. */
    String title() {
        String how = use == Use.NO_SYNC ? ", without DMA_BUF_IOCTL_SYNC" : "";
        return "%s, on a machine with %s%s and a card that %s".formatted(
                program == null ? "captures into " + memory.help + how : "runs the program " + program,
                setup.iommu() == Setup.Iommu.NONE ? "no IOMMU" : "IOMMU " + setup.iommu().label(),
                setup.bounces() ? ", swiotlb=force" : "", setup.snoops() ? "snoops" : "does not snoop");
    }
}
