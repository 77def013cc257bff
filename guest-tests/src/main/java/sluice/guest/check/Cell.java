package sluice.guest.check;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestIommu;

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
        return program == null ? memory.label() + "." + use.label() : program;
    }

    /** Whether bytes are wrong on purpose, in a bounce buffer: only a witness of all calls tells such from a driver's mistake. */
    boolean isSilentWhereBounced() {
        return setup.bounces() && (use == Use.NO_SYNC || use == Use.WRONG_SYNC);
    }

    /** Its name in reports: letters, digits, dots and hyphens. */
    String name() {
        return "%s.%s".formatted(setup.label(), what());
    }

    /** A description, as a sentence. */
    String title() {
        String how = use == Use.SYNC ? "" : "; " + use.help();
        return "%s, on a machine with %s%s and a card that %s".formatted(
                program == null ? "uses " + memory.help() + how : "runs the program " + program,
                setup.iommu() == GuestIommu.NONE ? "no IOMMU" : "IOMMU " + setup.iommu().label(),
                setup.bounces() ? ", swiotlb=force" : "", setup.snoops() ? "snoops" : "does not snoop");
    }
}
