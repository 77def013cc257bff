package sluice.guest.check;

import java.util.List;
import java.util.Optional;

/** How a check learns of the guest kernel's calls. */
enum CallSource {
    /** The module, which reports each call before the kernel continues. */
    MODULE("module", ""),
    /** The kernel's tracing, by a serial line: for a kernel that loads no module. */
    TRACE("trace",
            """
                    the order of calls of the kernel and accesses of the card: calls arrive later, so no access is judged by them
                    syncs for a device that needs none: the kernel leaves them out before it tells them, and only a module can make it call
                    entries of a list after the 128th, and attributes of syncs
                    mappings that are left at the end, and unmaps of what was not mapped
                    callers of dma_iova_link, which has no event
                    """);

    private final String label;
    /** A line each. */
    private final String unseen;

    CallSource(String label, String unseen) {
        this.label = label;
        this.unseen = unseen;
    }

    /** On the command line. */
    String label() {
        return label;
    }

    /** What it cannot see, each as a clause. */
    List<String> unseen() {
        return unseen.lines().toList();
    }

    /** Whether cells of a machine can be judged. */
    boolean serves(Setup setup) {
        return this == MODULE || setup.snoops();
    }

    /** Why a cell cannot be judged, or empty. */
    Optional<String> obstacle(Cell cell) {
        if (!serves(cell.setup()))
            return Optional.of(
                    "a card that does not snoop needs each call of the kernel before the kernel continues, and tracing tells it later");
        if (this == TRACE && cell.isSilentWhereBounced())
            return Optional.of(
                    "bytes that a missing sync leaves in a bounce buffer need a witness that tells them from a driver's mistake");
        return Optional.empty();
    }
}
