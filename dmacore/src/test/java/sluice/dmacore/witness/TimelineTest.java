package sluice.dmacore.witness;

import java.lang.foreign.MemorySegment;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.witness.Timeline.Event;
import sluice.dmacore.witness.Timeline.Kind;
import sluice.iommu.Access;

import static org.assertj.core.api.Assertions.assertThat;

/** Calls of the kernel and accesses of the card in one order. */
class TimelineTest extends WitnessedCard {
    private static final String CHAIN = "dma_map_phys+0x10/0x20\ndriver_start+0x1/0x30 [driver]";

    private List<Event> events() {
        return witness.timeline().events();
    }

    /** As the transport of the reports does it. */
    private void mapped(int page, Direction direction) throws Exception {
        KernelCall call = new KernelCall("dma_map_phys", direction, NONE, false, CHAIN);
        witness.timeline().call(card, call, at(page), PAGE, 1);
        card.map(call, new long[]{ at(page) }, new long[]{ PAGE }, pages(page));
        witness.timeline().end();
    }

    @Test
    void accessesThatContinueEachOtherAreOne() throws Exception {
        mapped(5, Direction.FROM_DEVICE);
        for (int i = 0; i < 4; i++) {
            assertThat(move(Access.WRITE, at(5) + 64L * i, MemorySegment.ofArray(frame), 64)).isTrue();
        }
        mapped(7, Direction.FROM_DEVICE);
        deviceWrites(7, 64);
        deviceWrites(5, 64);
        assertThat(events()).extracting(Event::kind).containsExactly(Kind.CALL, Kind.WRITE, Kind.CALL, Kind.WRITE,
                Kind.WRITE);
        Event writes = events().get(1);
        assertThat(writes.order()).isEqualTo(2);
        assertThat(writes.buffer()).isEqualTo(events().getFirst().buffer()).startsWith("dma_map_phys 0x");
        assertThat(List.of(writes.from(), writes.length(), writes.count())).containsExactly(0L, 256L, 4L);
        assertThat(events().getFirst().chain()).isEqualTo(CHAIN);
        assertThat(events()).extracting(Event::rule).containsOnlyNulls();
        machine.core().findings().clear();
    }

    @Test
    void aFindingIsOfTheEventInWhichItIsMade() throws Exception {
        mapped(5, Direction.TO_DEVICE);
        mapped(6, Direction.TO_DEVICE);
        deviceWrites(5, 64);
        assertThat(events().getLast().rule()).isEqualTo(Rule.DEVICE_AGAINST_DIRECTION);
        assertThat(events().get(1).rule()).isNull();
        KernelCall unmap = new KernelCall("dma_unmap_phys", Direction.TO_DEVICE, NONE, false, CHAIN);
        card.unmap(unmap, at(6), PAGE, PAGE);
        machine.core().findings().clear();
        move(Access.READ, at(6), MemorySegment.ofArray(frame), 64);
        Finding found = machine.core().findings().errors().getFirst();
        assertThat(found.rule()).isEqualTo(Rule.DEVICE_AFTER_UNMAP);
        assertThat(found.site()).isEqualTo("dma_unmap_phys TO_DEVICE");
        assertThat(found.chain()).as("of the unmap").isEqualTo(CHAIN);
        assertThat(events().getLast().rule()).isEqualTo(Rule.DEVICE_AFTER_UNMAP);
        machine.core().findings().add(Rule.FENCE_LATE, "card", "", 0, 0, "outside all events");
        assertThat(events()).extracting(Event::rule).doesNotContain(Rule.FENCE_LATE);
        machine.core().findings().clear();
    }

    @Test
    void theLatestAreKept() {
        KernelCall call = call("DMA_BUF_IOCTL_SYNC", Direction.FROM_DEVICE, NONE);
        for (int i = 0; i < Timeline.KEPT + 10; i++) witness.timeline().cpuAccess(call, "dma-buf " + i, PAGE);
        assertThat(events()).hasSize(Timeline.KEPT);
        assertThat(events().getFirst().order()).isEqualTo(11);
        assertThat(events().getLast().buffer()).isEqualTo("dma-buf " + (Timeline.KEPT + 9));
    }
}
