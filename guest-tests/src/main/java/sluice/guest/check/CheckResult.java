package sluice.guest.check;

import java.time.Duration;
import java.util.List;

/**
 * The result of a run.
 *
 * @param card and its driver
 * @param kernel release of the guest's kernel
 * @param qemu version of QEMU
 * @param cells in execution order
 * @param time duration of the whole run
 * @param calls how the kernel's calls were told
 */
record CheckResult(Card card, String kernel, String qemu, List<CellResult> cells, Duration time, CallSource calls) {
    /** With the witness's module. */
    CheckResult(Card card, String kernel, String qemu, List<CellResult> cells, Duration time) {
        this(card, kernel, qemu, cells, time, CallSource.MODULE);
    }

    /** Prefix of the reason of a cell that has broken its guest's kernel. */
    static final String KERNEL_SAYS = "the guest's kernel says: ";

    /** The exit status if the guest's kernel is broken. */
    static final int BROKEN = 255;

    /** The process's exit status: 0 pass, 1 fail, 4 all skipped, 255 a guest's kernel is broken. */
    int exitStatus() {
        if (cells.stream().anyMatch(cell -> cell.reason().startsWith(KERNEL_SAYS))) return BROKEN;
        if (count(Outcome.FAIL) + count(Outcome.INCONCLUSIVE) > 0) return 1;
        return count(Outcome.PASS) == 0 ? 4 : 0;
    }

    long count(Outcome outcome) {
        return cells.stream().filter(cell -> cell.outcome() == outcome).count();
    }
}
