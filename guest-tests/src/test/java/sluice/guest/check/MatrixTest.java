package sluice.guest.check;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.guest.GuestIommu;

import static org.assertj.core.api.Assertions.assertThat;

/** Which cells are run if nobody has asked for others, and which cannot be. */
class MatrixTest {
    private static final Card SCATTERS = card(true);
    private static final Card CONTIGUOUS = card(false);
    private static final Card SCREEN = Card.ALL.stream().filter(card -> card.role() == Role.SCANOUT).findFirst()
            .orElseThrow();

    private static Card card(boolean scatters) {
        return new Card("driver", "device", List.of(), List.of(), "node", scatters);
    }

    @Test
    void theUsualRunTriesAllMemoryAndAllUsesOfAnyCard() {
        for (Card card : List.of(SCATTERS, CONTIGUOUS, SCREEN)) {
            List<Cell> cells = Matrix.usual(card);
            assertThat(cells).doesNotHaveDuplicates().allMatch(cell -> cell.memory().takes(cell.use()))
                    .allMatch(cell -> Matrix.obstacle(cell, card).isEmpty());
            Set<Memory> memories = new HashSet<>(Set.of(Memory.values()));
            if (card.equals(SCREEN)) memories.removeAll(Set.of(Memory.USERPTR, Memory.BLOB));
            assertThat(cells).extracting(Cell::memory).containsAll(memories);
            assertThat(cells).extracting(Cell::setup).contains(Matrix.USUAL.toArray(Setup[]::new));
            Set<Use> uses = new HashSet<>(Set.of(Use.values()));
            // Where nothing is copied and nothing cached, a wrong direction changes nothing.
            if (!card.scatters()) uses.remove(Use.WRONG_SYNC);
            uses.remove(card.equals(SCREEN) ? Use.REQUEUED : Use.FREED);
            assertThat(cells).extracting(Cell::use).containsAll(uses);
        }
    }

    @Test
    void cellsOfOneMachineFollowEachOther() {
        List<Setup> setups = Matrix.usual(SCATTERS).stream().map(Cell::setup).toList();
        assertThat(setups).isSortedAccordingTo(
                (one, other) -> Integer.compare(Matrix.USUAL.indexOf(one), Matrix.USUAL.indexOf(other)));
    }

    @Test
    void whatIsChosenIsLimitedToWhatGoesTogether() {
        assertThat(Matrix.of(List.of(Matrix.PLAIN), List.of(Memory.MMAP, Memory.UDMABUF),
                List.of(Use.SYNC, Use.NO_SYNC, Use.CLOSED))).extracting(Cell::name).containsExactly(
                        "iommu-none.direct.coherent.mmap.sync", "iommu-none.direct.coherent.udmabuf.sync",
                        "iommu-none.direct.coherent.udmabuf.no-sync", "iommu-none.direct.coherent.udmabuf.closed");
    }

    @ParameterizedTest
    @EnumSource
    void eachUseHasMemoryAndEachMemoryAUse(Use use) {
        assertThat(Memory.values()).anyMatch(memory -> memory.takes(use)).allMatch(memory -> memory.takes(Use.SYNC));
        assertThat(use.isMistake()).isEqualTo(use != Use.SYNC);
    }

    @Test
    void aTraceServesNoCardThatDoesNotSnoopAndNoSilentMistakeInABounceBuffer() {
        for (Setup setup : Matrix.USUAL) {
            assertThat(CallSource.MODULE.obstacle(new Cell(setup, Memory.HEAP, Use.NO_SYNC))).isEmpty();
            assertThat(CallSource.TRACE.obstacle(new Cell(setup, Memory.HEAP, Use.SYNC)).isPresent())
                    .isEqualTo(!setup.snoops());
            assertThat(CallSource.TRACE.obstacle(new Cell(setup, Memory.HEAP, Use.NO_SYNC)).isPresent())
                    .isEqualTo(!setup.snoops() || setup.bounces());
        }
    }

    @Test
    void aCellThatCannotBeRunSaysWhy() {
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.BAR, Use.SYNC), SCATTERS)).hasValueSatisfying(
                why -> assertThat(why).contains("IOMMU"));
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.HEAP, Use.SYNC), SCATTERS)).isEmpty();
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.HEAP, Use.SYNC), CONTIGUOUS)).hasValueSatisfying(
                why -> assertThat(why).contains("single pages"));
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.UDMABUF_HUGE, Use.SYNC), CONTIGUOUS)).isEmpty();
        Setup both = new Setup(GuestIommu.VIRTIO, false, false);
        for (Memory memory : List.of(Memory.UDMABUF_TWICE, Memory.VIVID, Memory.HEAP))
            assertThat(Matrix.obstacle(new Cell(both, memory, Use.SYNC), SCATTERS)).isEmpty();
        assertThat(Matrix.obstacle(new Cell(Matrix.NON_COHERENT, Memory.VGEM, Use.SYNC), SCATTERS)).hasValueSatisfying(
                why -> assertThat(why).contains("write-combined"));
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.HEAP, Use.FREED), SCATTERS)).isPresent();
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.HEAP, Use.REQUEUED), SCREEN)).isPresent();
        assertThat(Matrix.obstacle(new Cell(Matrix.PLAIN, Memory.USERPTR, Use.SYNC), SCREEN)).isPresent();
        assertThat(Matrix.obstacle(new Cell(Matrix.BOUNCED, Memory.HEAP, Use.NO_SYNC), SCREEN)).isPresent();
        assertThat(Matrix.obstacle(new Cell(Matrix.BOUNCED, Memory.HEAP, Use.SYNC), SCREEN)).isEmpty();
    }
}
