package sluice.guest.check;

import org.jspecify.annotations.Nullable;

/**
 * A test cell: a buffer of some origin, used in some way, on a machine of some kind.
 *
 * @param setup of the machine
 * @param memory origin of the buffers
 * @param use how user space uses them
 * @param program name of the user's program to run instead, or null; memory and use are ignored then
 */
record Cell(Setup setup, Memory memory, Use use, @Nullable String program) {
    /** A cell with our program. */
    Cell(Setup setup, Memory memory, Use use) {
        this(setup, memory, use, null);
    }

    /** A cell with a user's program. */
    static Cell of(Setup setup, String program) {
        return new Cell(setup, Memory.MMAP, Use.SYNC, program);
    }

    /** The part of the name without the machine. */
    String what() {
        return program == null ? memory.label + "." + use.label : program;
    }


    /** The origin of buffers. */
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

        /** The name on the command line. */
        String label() {
            return label;
        }

        /** A short description. */
        String help() {
            return help;
        }

        /** The required kernel option. */
        String needs() {
            return needs;
        }
    }

    /** Syncs of user space around its accesses. */
    enum Use {
        /** DMA_BUF_IOCTL_SYNC where required. */
        SYNC("sync"),
        /** No syncs, a mistake of user space: the cell passes if this is reported where it matters. */
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

    /** A description, as a sentence. */
    String title() {
        String how = use == Use.NO_SYNC ? ", without DMA_BUF_IOCTL_SYNC" : "";
        return "%s, on a machine with %s%s and a card that %s".formatted(
                program == null ? "captures into " + memory.help + how : "runs the program " + program,
                setup.iommu() == Setup.Iommu.NONE ? "no IOMMU" : "IOMMU " + setup.iommu().label(),
                setup.bounces() ? ", swiotlb=force" : "", setup.snoops() ? "snoops" : "does not snoop");
    }
}
