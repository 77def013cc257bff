package sluice.dmacore.witness;

import java.util.EnumSet;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;

/** Calls that do not fit the call that made a mapping, as {@code kernel/dma/debug.c} reports them. */
class CallJudgeTest extends WitnessedCard {
    private static final Direction BOTH = Direction.BIDIRECTIONAL;
    private static final long[] PAGES_5_6 = { at(5), at(6) };
    private static final long[] LENGTHS = { PAGE, PAGE };

    private static KernelCall list(String name, long entries) {
        return call(name, BOTH, NONE).ofList(entries);
    }

    private static KernelCall memory(String name, long cpuAddress) {
        return call(name, BOTH, NONE).ofMemory(cpuAddress);
    }

    @Test
    @Tag("D1")
    void whatAMapReturnsThatHasFailedIsNotUnmapped() throws Exception {
        card.unmap(call("dma_unmap_phys", BOTH, NONE), -1, PAGE, PAGE);
        assertThat(errors()).containsExactly(Rule.D1_UNMAP_OF_ERROR);
        card.unmap(call("dma_unmap_phys", BOTH, NONE), -2, 1, 1);
        assertThat(errors()).as("another address").containsExactly(Rule.D2_UNMAP_NOT_MAPPED);
    }

    @Test
    @Tag("D4")
    void aMappingEndsByItsOwnFunction() throws Exception {
        map(card, BOTH, NONE, 5);
        card.unmap(call("dma_unmap_phys", BOTH, NONE), at(5), PAGE, PAGE);
        assertThat(errors()).containsExactly(Rule.D4_UNMAP_FUNCTION);
        assertThat(card.live()).as("it has ended").isZero();
        for (List<String> pair : List.of(List.of("dma_map_page", "dma_unmap_page"),
                List.of("dma_map_phys", "dma_unmap_phys"), List.of("dma_alloc_pages", "dma_free_pages"),
                List.of("dma_alloc_noncontiguous", "dma_free_noncontiguous"),
                List.of("dma_map_of_a_later_kernel", "dma_unmap_sg"))) {
            card.map(call(pair.getFirst(), BOTH, NONE), PAGES_5_6, LENGTHS, pages(5, 6));
            card.unmap(call(pair.getLast(), BOTH, NONE), at(5), PAGE, 2L * PAGE);
            assertThat(errors()).as(pair.toString()).isEmpty();
        }
    }

    @Test
    @Tag("D4")
    void allocatedMemoryIsNotUnmappedAndMappedMemoryIsNotFreed() throws Exception {
        card.allocated(memory("dma_alloc", 0x1000), at(30), PAGE, pages(30));
        card.unmap(call("dma_unmap_phys", BOTH, NONE), at(30), PAGE, PAGE);
        assertThat(errors()).containsExactly(Rule.D4_UNMAP_FUNCTION);
        card.freed(memory("dma_free", 0x1000), at(30));
        assertThat(errors()).as("it was still allocated").isEmpty();
        map(card, BOTH, NONE, 5);
        card.freed(memory("dma_free", 0x1000), at(5));
        assertThat(errors()).containsExactly(Rule.D4_UNMAP_FUNCTION);
        assertThat(card.live()).as("it is still mapped").isEqualTo(1);
        unmap(card, BOTH, NONE, 5);
        assertThat(errors()).isEmpty();
    }

    @Test
    @Tag("D5")
    void memoryIsFreedWithItsOwnAddressOfTheCpu() {
        for (long freed : new long[]{ 0xffff_8880_0010_0000L, 0xffff_8880_0010_1000L, 0 }) {
            card.allocated(memory("dma_alloc", 0xffff_8880_0010_0000L), at(30), PAGE, pages(30));
            card.freed(memory("dma_free", freed), at(30));
            assertThat(errors()).isEqualTo(
                    freed == 0xffff_8880_0010_1000L ? List.of(Rule.D5_FREE_CPU_ADDRESS) : List.of());
            assertThat(card.live()).isZero();
        }
    }

    /** Of an IOMMU's list, which may have fewer entries than the driver's, the driver's count. */
    @Test
    @Tag("D6")
    @Tag("M3")
    void aListIsUnmappedWithAllItsEntries() throws Exception {
        for (long unmapped : new long[]{ 7, 2, 0 }) {
            card.map(list("dma_map_sg", 7), PAGES_5_6, LENGTHS, pages(5, 6));
            card.unmap(list("dma_unmap_sg", unmapped), at(5), PAGE, 2L * PAGE);
            assertThat(errors()).isEqualTo(unmapped == 2 ? List.of(Rule.D6_UNMAP_ENTRIES) : List.of());
        }
    }

    @Test
    @Tag("D24")
    @Tag("M4")
    void aListIsSyncedWithAllItsEntries() throws Exception {
        card.map(list("dma_map_sg", 7), PAGES_5_6, LENGTHS, pages(5, 6));
        for (long synced : new long[]{ 7, 2, 0 }) {
            for (int entry = 0; entry < 2; entry++) {
                card.syncForCpu(list("dma_sync_sg_for_cpu", synced), PAGES_5_6[entry], PAGE);
                card.syncForDevice(list("dma_sync_sg_for_device", synced), PAGES_5_6[entry], PAGE);
            }
            assertThat(errors()).as("once for each of the two calls, and not for each entry").isEqualTo(
                    synced == 2 ? List.of(Rule.D24_SYNC_ENTRIES, Rule.D24_SYNC_ENTRIES) : List.of());
        }
    }

    @Test
    @Tag("D14")
    void memoryIsNotMappedAsThatOfADevice() throws Exception {
        KernelCall call = call("dma_map_phys", BOTH, EnumSet.of(DmaAttribute.MMIO));
        card.map(call, new long[]{ at(5) }, new long[]{ PAGE }, pages(5));
        assertThat(errors()).containsExactly(Rule.D14_MMIO_OF_RAM);
        card.mapElsewhere(call, new long[]{ 0x8000_0000L }, new long[]{ PAGE });
        assertThat(errors()).as("memory of another device").isEmpty();
        machine.core().findings().clear();
    }
}
