package sluice.dmacore.witness;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;

/** What a kernel maps for a device that does not take it: each is found, and named after the call. */
class WitnessConstraintsTest extends WitnessedCard {
    private static final long ANY = -1;
    private static final long ANY_SIZE = Long.MAX_VALUE;
    private static final int ANY_COUNT = Integer.MAX_VALUE;

    private void constrained(DmaConstraints constraints) {
        card = witness.serve("card", Stream.COHERENT, Budget.ofProcess().own(), space, constraints);
        witness.greet(card, true);
    }

    private void mapOne(String call, int page, int pages) throws Exception {
        card.map(call(call, Direction.FROM_DEVICE, NONE), new long[]{ at(page) }, new long[]{ (long) pages * PAGE },
                bytes(page, (long) pages * PAGE));
    }

    @Test
    @Tag("D15")
    void aSegmentThatIsTooLongIsFound() throws Exception {
        constrained(new DmaConstraints(ANY, PAGE, ANY_COUNT, ANY, false));
        mapOne("dma_map_sg", 5, 1);
        assertThat(errors()).isEmpty();
        mapOne("dma_map_sg", 6, 2);
        Finding finding = machine.core().findings().errors().getFirst();
        assertThat(finding.what()).isEqualTo(
                "dma_map_sg gave entry 0 of 1, 8192 bytes at 0x100006000, to a device with max-segment-size=4096");
        assertThat(finding.site()).isEqualTo("dma_map_sg FROM_DEVICE");
        assertThat(finding.buffer()).isEqualTo("dma_map_sg 0x100006000");
        assertThat(errors()).containsExactly(Rule.D15_SEGMENT_TOO_LONG);
        mapOne("dma_map_phys", 10, 2);
        assertThat(errors()).as("a single mapping is the driver's to divide, and the kernel does not check it either")
                .isEmpty();
    }

    @Test
    @Tag("D16")
    void aSegmentAcrossABoundaryIsFound() throws Exception {
        constrained(new DmaConstraints(ANY, ANY_SIZE, ANY_COUNT, 2 * PAGE - 1, false));
        mapOne("dma_map_sg", 6, 2);
        assertThat(errors()).isEmpty();
        mapOne("dma_map_sg", 11, 2);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(
                finding -> assertThat(finding.what()).endsWith("at 0x10000b000, to a device with boundary=0x1fff"));
        assertThat(errors()).containsExactly(Rule.D16_SEGMENT_BOUNDARY);
    }

    @Test
    @Tag("S13")
    void aListThatIsTooLongIsFound() throws Exception {
        constrained(new DmaConstraints(ANY, ANY_SIZE, 2, ANY, false));
        map(card, Direction.FROM_DEVICE, NONE, 5, 7);
        assertThat(errors()).isEmpty();
        map(card, Direction.FROM_DEVICE, NONE, 10, 12, 14);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> assertThat(finding.what())
                .isEqualTo("dma_map_sg gave 3 entries to a device with max-segments=2"));
        assertThat(errors()).containsExactly(Rule.TOO_MANY_SEGMENTS);
    }

    /** As videobuf2-dma-contig counts: neighbours are one piece, however many entries they are. */
    @Test
    @Tag("S15")
    void piecesThatAreNoNeighboursAreFound() throws Exception {
        constrained(new DmaConstraints(ANY, ANY_SIZE, ANY_COUNT, ANY, true));
        map(card, Direction.FROM_DEVICE, NONE, 5, 6, 7);
        assertThat(errors()).isEmpty();
        map(card, Direction.FROM_DEVICE, NONE, 10, 12, 13);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> assertThat(finding.what())
                .isEqualTo("dma_map_sg gave 2 pieces that are not neighbours to a device that is contiguous"));
        assertThat(errors()).containsExactly(Rule.NOT_CONTIGUOUS);
    }

    @Test
    void anAddressBeyondTheMaskIsFoundWhateverTheCall() throws Exception {
        constrained(new DmaConstraints(0xffff_ffffL, ANY_SIZE, ANY_COUNT, ANY, false));
        mapOne("dma_map_phys", 5, 1);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> assertThat(finding.what())
                .isEqualTo(
                        "dma_map_phys gave entry 0 of 1, 4096 bytes at 0x100005000, to a device with dma-mask=0xffffffff"));
        assertThat(errors()).containsExactly(Rule.BEYOND_DMA_MASK);
        card.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(9), PAGE, pages(9));
        assertThat(errors()).containsExactly(Rule.BEYOND_DMA_MASK);
        card.mapElsewhere(call("dma_map_sg", Direction.FROM_DEVICE, NONE), new long[]{ 1L << 40 }, new long[]{ PAGE });
        assertThat(errors()).as("a peer's memory").containsExactly(Rule.BEYOND_DMA_MASK);
    }

    /** A guest may map lists of very many entries. */
    @Test
    void aListHasFewFindings() throws Exception {
        constrained(new DmaConstraints(0xffff_ffffL, ANY_SIZE, ANY_COUNT, ANY, false));
        map(card, Direction.FROM_DEVICE, NONE, 5, 7, 9, 11, 13, 15, 17, 19, 21);
        assertThat(machine.core().findings().times(Rule.BEYOND_DMA_MASK)).isEqualTo(4);
        machine.core().findings().clear();
    }
}
