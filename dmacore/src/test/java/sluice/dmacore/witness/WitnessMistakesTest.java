package sluice.dmacore.witness;

import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;

/** Mistakes of drivers, and of what they drive: each is found, and named after the call. */
class WitnessMistakesTest extends WitnessedCard {
    @Test
    void memoryThatWasNeverMappedIsReachedAndFound() {
        deviceWrites(50, PAGE);
        assertThat(cpuReads(50, PAGE)).as("as on a bus without an IOMMU").isEqualTo(frame(PAGE));
        Finding finding = machine.core().findings().errors().getFirst();
        assertThat(finding.rule()).isEqualTo(Rule.DEVICE_FOREIGN_ADDRESS);
        assertThat(finding.device()).isEqualTo("card");
        assertThat(finding.buffer()).isEqualTo("0x" + Long.toHexString(at(50)));
        assertThat(finding.length()).isEqualTo(PAGE);
        machine.core().findings().clear();
    }

    @Test
    void anAccessAfterTheUnmapIsFoundWithTheCallThatEndedIt() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, 64);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.DEVICE_AFTER_UNMAP);
            assertThat(finding.what()).isEqualTo("written by the device after it was unmapped by dma_unmap_sg");
        });
        machine.core().findings().clear();
    }

    @Test
    void anAccessBeyondTheLengthIsFound() throws Exception {
        card.map(call("dma_map_phys", Direction.FROM_DEVICE, NONE), new long[]{ at(5) }, new long[]{ 100 },
                bytes(5, 100));
        machine.core().findings().clear();
        deviceWrites(5, 164);
        assertThat(errors()).containsExactly(Rule.DEVICE_FOREIGN_ADDRESS);
    }

    /** As udmabuf maps a list that has a page twice, with neighbours joined to one entry. */
    @ParameterizedTest
    @EnumSource
    void aPageThatIsTwiceInAListIsNoMistake(Direction direction) throws Exception {
        long[] addresses = { at(5), at(5) };
        long[] lengths = { 2L * PAGE, PAGE };
        card.map(call("dma_map_sg", direction, NONE), addresses, lengths, pages(5, 6, 5));
        for (int entry = 0; entry < 2; entry++) {
            card.syncForCpu(call("dma_sync_sg_for_cpu", direction, NONE), addresses[entry], lengths[entry]);
            card.syncForDevice(call("dma_sync_sg_for_device", direction, NONE), addresses[entry], lengths[entry]);
        }
        assertThat(errors()).doesNotContain(Rule.D20_SYNC_TOO_LONG, Rule.D21_SYNC_DIRECTION);
        card.syncForCpu(call("dma_sync_sg_for_cpu", direction, NONE), at(5), 3L * PAGE);
        assertThat(errors()).contains(Rule.D20_SYNC_TOO_LONG);
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void anAccessAgainstTheDirectionIsFound(boolean snoops) throws Exception {
        served(snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        map(card, Direction.TO_DEVICE, NONE, 5);
        deviceWrites(5, 64);
        assertThat(errors()).contains(Rule.DEVICE_AGAINST_DIRECTION);
    }

    @Test
    void aForgottenSyncShowsTheOldFrameAndIsFoundWhenTheCardGoesOn() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, PAGE);
        syncForCpu(card, 5);
        assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        // No sync for the device.
        deviceWrites(5, PAGE);
        assertThat(errors()).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
    }

    /** With swiotlb=force, exporters that map with DMA_ATTR_SKIP_CPU_SYNC leave each frame in the bounce buffer. */
    @Test
    void aFrameThatStaysInABounceBufferIsFound() throws Exception {
        served(Stream.COHERENT);
        KernelCall map = new KernelCall("dma_map_sg", Direction.FROM_DEVICE, SKIP, true);
        for (boolean synced : new boolean[]{ true, false }) {
            card.map(map, new long[]{ at(5) }, new long[]{ PAGE }, pages(5));
            deviceWrites(5, PAGE);
            if (synced) syncForCpu(card, 5);
            unmap(card, Direction.FROM_DEVICE, SKIP, 5);
            assertThat(errors()).isEqualTo(synced ? List.of() : List.of(Rule.BOUNCE_NOT_COPIED_BACK));
        }
        card.map(map, new long[]{ at(5) }, new long[]{ PAGE }, pages(5));
        unmap(card, Direction.FROM_DEVICE, SKIP, 5);
        assertThat(errors()).as("nothing was written").isEmpty();
        card.map(map, new long[]{ at(5) }, new long[]{ PAGE }, pages(5));
        deviceWrites(5, PAGE);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).as("the unmap copies").isEmpty();
    }

    /** A reader of such a buffer sees stale bytes; whether there is a read is unknown. */
    @Test
    void aBufferThatIsFilledAgainAndNeverFetchedIsAHint() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        for (int i = 0; i < 3; i++) deviceWrites(5, PAGE);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(machine.core().findings().all()).singleElement().satisfies(counted -> {
            assertThat(counted.finding().rule()).isEqualTo(Rule.NEVER_FETCHED);
            assertThat(counted.finding().what()).startsWith("filled 3 times by the device");
        });
        machine.core().findings().clear();
    }

    @Test
    void callsOfWhatIsNotMappedAreFound() throws Exception {
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).containsExactly(Rule.D2_UNMAP_NOT_MAPPED);
        syncForCpu(card, 5);
        assertThat(errors()).containsExactly(Rule.D19_SYNC_NOT_MAPPED);
        map(card, Direction.FROM_DEVICE, NONE, 5);
        card.syncForCpu(call("dma_sync_single_for_cpu", Direction.FROM_DEVICE, NONE), at(5), PAGE + 64L);
        assertThat(errors()).containsExactly(Rule.D20_SYNC_TOO_LONG);
        card.syncForCpu(call("dma_sync_single_for_cpu", Direction.TO_DEVICE, NONE), at(5), PAGE);
        assertThat(errors()).containsExactly(Rule.D21_SYNC_DIRECTION);
        unmap(card, Direction.TO_DEVICE, NONE, 5);
        assertThat(errors()).containsExactly(Rule.D7_UNMAP_DIRECTION);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).as("it is gone").containsExactly(Rule.D2_UNMAP_NOT_MAPPED);
    }

    /** With real cache maintenance, bytes beyond the given size are not transferred. */
    @Test
    @Tag("D3")
    void anUnmapOfAnotherSizeIsFound() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5, 6);
        deviceWrites(5, 2 * PAGE);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        assertThat(cpuReads(6, PAGE)).containsOnly(0);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.D3_UNMAP_SIZE);
            assertThat(finding.what()).isEqualTo("4096 bytes unmapped, but 8192 mapped");
            assertThat(finding.site()).isEqualTo("dma_unmap_sg FROM_DEVICE");
        });
        assertThat(card.live()).isZero();
        machine.core().findings().clear();
    }

    @Test
    @Tag("D25")
    void whatADriverLeavesMappedIsFoundWhenItIsUnbound() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        card.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(30), PAGE, pages(30));
        deviceWrites(5, PAGE);
        card.unbound();
        assertThat(machine.core().findings().errors()).hasSize(2)
                .allSatisfy(finding -> assertThat(finding.rule()).isEqualTo(Rule.D25_MAPPED_AT_DETACH))
                .extracting(Finding::buffer)
                .containsExactlyInAnyOrder("dma_map_sg 0x100005000", "dma_alloc 0x10001e000");
        machine.core().findings().clear();
        assertThat(card.live()).isZero();
        assertThat(cpuReads(5, PAGE)).as("nothing is transferred").containsOnly(0);
        deviceWrites(5, PAGE);
        assertThat(machine.core().findings().errors()).extracting(Finding::what)
                .containsExactly("written by the device after it was left by its driver, which was unbound");
        machine.core().findings().clear();
    }

    @Test
    void aDriverThatComesAfterAnotherIsToldFromTheBeginning() throws Exception {
        witness.greet(card, false);
        deviceWrites(50, PAGE);
        card.unbound();
        assertThat(errors()).isEmpty();
        deviceWrites(50, PAGE);
        assertThat(errors()).containsExactly(Rule.DEVICE_FOREIGN_ADDRESS);
    }

    /** A coherent machine shows the right bytes, and another one would not. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void whatIsGivenAgainAndWasNotTakenBackIsAHint(boolean snoops) throws Exception {
        served(snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        map(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, PAGE);
        card.syncForDevice(call("dma_sync_single_for_device", Direction.FROM_DEVICE, NONE), at(5), PAGE);
        assertThat(found()).containsExactly(Rule.NEVER_FETCHED);
        deviceWrites(5, PAGE);
        syncForCpu(card, 5);
        unmap(card, Direction.FROM_DEVICE, SKIP, 5);
        assertThat(found()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aSkippedSyncOfWhatTheDeviceWroteIsAHint(boolean snoops) throws Exception {
        served(snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        map(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, PAGE);
        unmap(card, Direction.FROM_DEVICE, SKIP, 5);
        assertThat(found()).containsExactly(Rule.NEVER_FETCHED);
    }

    /** The exporter fetches it when user space asks for it. */
    @Test
    void aSkippedSyncOfWhatAnotherDeviceHasMappedIsNone() throws Exception {
        served(Stream.COHERENT);
        WitnessedDevice udmabuf = witness.other("udmabuf", Budget.ofProcess().own());
        if (udmabuf == null) throw new AssertionError("no room for udmabuf");
        map(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        map(card, Direction.FROM_DEVICE, NONE, 7);
        deviceWrites(7, PAGE);
        unmap(card, Direction.FROM_DEVICE, SKIP, 7);
        syncForCpu(udmabuf, 7);
        unmap(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        assertThat(found()).doesNotContain(Rule.NEVER_FETCHED);
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    @Tag("D17")
    void aLineThatIsMappedTwiceToBeWrittenIsAHint(boolean snoops) throws Exception {
        served(snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        map(card, Direction.FROM_DEVICE, NONE, 3, 4, 5);
        map(card, Direction.TO_DEVICE, NONE, 4);
        assertThat(found()).doesNotContain(Rule.D17_OVERLAPPING_WRITES);
        map(card, Direction.FROM_DEVICE, NONE, 4);
        assertThat(found()).contains(Rule.D17_OVERLAPPING_WRITES);
        unmap(card, Direction.FROM_DEVICE, NONE, 4);
        unmap(card, Direction.TO_DEVICE, NONE, 4);
        unmap(card, Direction.FROM_DEVICE, NONE, 3, 4, 5);
        machine.core().findings().clear();
        map(card, Direction.FROM_DEVICE, NONE, 4);
        assertThat(found()).isEmpty();
        unmap(card, Direction.FROM_DEVICE, NONE, 4);
        machine.core().findings().clear();
    }

    /** A driver bound before reporting began may have mapped everything that it uses. */
    @Test
    void whatWasMappedBeforeAnythingWasToldIsNotBlamed() throws Exception {
        witness.greet(card, false);
        deviceWrites(50, PAGE);
        unmap(card, Direction.FROM_DEVICE, NONE, 50);
        syncForCpu(card, 50);
        assertThat(errors()).isEmpty();
    }
}
