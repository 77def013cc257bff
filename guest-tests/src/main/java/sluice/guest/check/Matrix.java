package sluice.guest.check;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The cells to run, ordered by machine. */
final class Matrix {
    /** The default machines of a run: each detects faults that the others do not. */
    static final List<Setup> USUAL = List.of(new Setup(Setup.Iommu.NONE, false, true),
            new Setup(Setup.Iommu.NONE, false, false), new Setup(Setup.Iommu.NONE, true, true));

    private Matrix() {}

    /** All cells of some machines, memories and uses. */
    static List<Cell> of(Collection<Setup> setups, Collection<Cell.Memory> memories, Collection<Cell.Use> uses) {
        List<Cell> cells = new ArrayList<>();
        for (Setup setup : setups) {
            for (Cell.Memory memory : memories) {
                for (Cell.Use use : uses) {
                    // The driver's own buffers have no DMA_BUF_IOCTL_SYNC to omit.
                    if (memory == Cell.Memory.MMAP && use == Cell.Use.NO_SYNC) continue;
                    cells.add(new Cell(setup, memory, use));
                }
            }
        }
        return cells;
    }

    /** A user's program on some machines. */
    static List<Cell> of(Collection<Setup> setups, TestProgram program) {
        return setups.stream().map(setup -> Cell.of(setup, program.name())).toList();
    }

    /** Why a cell cannot run, or empty. */
    static Optional<String> obstacle(Cell cell, Card card) {
        if (cell.program() != null) {
            return card.isTold() || cell.setup().snoops()
                    ? Optional.empty()
                    : Optional.of("a driver in user space makes no calls that tell what a card which does not snoop may see");
        }
        if (cell.setup().iommu() == Setup.Iommu.NONE) {
            return card.scatters() || cell.memory() == Cell.Memory.MMAP
                    ? Optional.empty()
                    : Optional.of("the card takes buffers of single pages behind an IOMMU only");
        }
        if (cell.memory() == Cell.Memory.UDMABUF && !cell.setup().snoops()) {
            return Optional.of(
                    "udmabuf's syncs carry guest physical addresses, which behind an IOMMU lead to no memory of the witness");
        }
        return Optional.empty();
    }
}
