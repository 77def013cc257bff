package sluice.guest.check;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import sluice.guest.GuestIommu;

/** The cells to run, ordered by machine. */
final class Matrix {
    /** A machine with nothing that could show a mistake but bytes and calls. */
    static final Setup PLAIN = new Setup(GuestIommu.NONE, false, true);
    /** A card that does not snoop. */
    static final Setup NON_COHERENT = new Setup(GuestIommu.NONE, false, false);
    /** All DMA goes through bounce buffers. */
    static final Setup BOUNCED = new Setup(GuestIommu.NONE, true, true);
    /** An IOMMU, without which vfio-pci exports no BAR. */
    static final Setup TRANSLATED = new Setup(GuestIommu.INTEL_LAZY, false, true);
    /** The machines of a run that nobody has asked otherwise of: each shows what the others do not. */
    static final List<Setup> USUAL = List.of(PLAIN, NON_COHERENT, BOUNCED, TRANSLATED);

    private static final List<Memory> WITH_SYNC = List.of(Memory.UDMABUF, Memory.DUMB, Memory.HEAP);
    /** Behind an IOMMU: what is merged, what is contiguous already, and what has no pages. */
    private static final List<Memory> BEHIND = List.of(Memory.MMAP, Memory.UDMABUF, Memory.UDMABUF_TWICE, Memory.BAR);
    /** Mistakes of user space's, each over the memory where a kernel has most to lose. */
    private static final Map<Use, List<Memory>> MISTAKES = Map.of(Use.CLOSED, List.of(Memory.UDMABUF, Memory.HEAP),
            Use.MUNMAP, List.of(Memory.MMAP, Memory.UDMABUF), Use.FORK, List.of(Memory.USERPTR, Memory.UDMABUF),
            Use.KILLED, List.of(Memory.MMAP, Memory.UDMABUF, Memory.USERPTR), Use.SHORT,
            List.of(Memory.UDMABUF, Memory.USERPTR), Use.REQUEUED, List.of(Memory.MMAP, Memory.UDMABUF), Use.FREED,
            List.of(Memory.MMAP, Memory.UDMABUF, Memory.HEAP));

    private Matrix() {}

    /** The cells of a run that nobody has asked otherwise of: most on the machine where the card takes most. */
    static List<Cell> usual(Card card) {
        List<Cell> cells = new ArrayList<>();
        for (Setup setup : USUAL) {
            for (Memory memory : Memory.values()) {
                if (!isUsual(setup, memory, card)) continue;
                for (Use use : Use.values()) {
                    if (isUsual(setup, memory, use, card)) cells.add(new Cell(setup, memory, use));
                }
            }
        }
        return cells;
    }

    private static boolean isUsual(Setup setup, Memory memory, Card card) {
        if (setup.equals(TRANSLATED)) return !card.scatters() || BEHIND.contains(memory);
        return memory != Memory.BAR && (card.scatters() || memory.isContiguous());
    }

    private static boolean isUsual(Setup setup, Memory memory, Use use, Card card) {
        if (obstacle(new Cell(setup, memory, use), card).isPresent()) return false;
        boolean main = setup.equals(card.scatters() ? PLAIN : TRANSLATED);
        return switch (use) {
            case SYNC -> true;
            case NO_SYNC -> (main || !setup.equals(TRANSLATED)) && WITH_SYNC.contains(memory);
            case WRONG_SYNC -> (setup.equals(NON_COHERENT) && WITH_SYNC.contains(memory))
                    || (setup.equals(BOUNCED) && memory == Memory.HEAP);
            case KILLED -> main ? MISTAKES.getOrDefault(use, List.of()).contains(memory) : memory == Memory.HEAP;
            case CLOSED, MUNMAP, FORK, SHORT, REQUEUED, FREED -> main
                    && MISTAKES.getOrDefault(use, List.of()).contains(memory);
        };
    }

    /** All cells of some machines, memories and uses, as far as they go together. */
    static List<Cell> of(Collection<Setup> setups, Collection<Memory> memories, Collection<Use> uses) {
        List<Cell> cells = new ArrayList<>();
        for (Setup setup : setups) {
            for (Memory memory : memories) {
                for (Use use : uses) {
                    if (memory.takes(use)) cells.add(new Cell(setup, memory, use));
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
                    : Optional.of(
                            "a driver in user space makes no calls that tell what a card which does not snoop may see");
        }
        Optional<String> never = card.role().obstacle(cell.memory(), cell.use());
        if (never.isPresent()) return never;
        if (card.role() == Role.SCANOUT && cell.setup().bounces()
                && (cell.use() == Use.NO_SYNC || cell.use() == Use.WRONG_SYNC))
            return Optional
                    .of("what a missing sync leaves out of a bounce buffer is not visible where the card only reads");
        if (!cell.setup().snoops() && cell.memory() == Memory.VGEM)
            return Optional
                    .of("vgem's memory is mapped write-combined, and which accesses pass the caches is not visible");
        boolean behind = cell.setup().iommu() != GuestIommu.NONE;
        if (!behind && cell.memory() == Memory.BAR)
            return Optional.of("vfio-pci exports a BAR only on a machine with an IOMMU");
        if (!behind && !card.scatters() && !cell.memory().isContiguous())
            return Optional.of("the card takes buffers of single pages behind an IOMMU only");
        return Optional.empty();
    }
}
