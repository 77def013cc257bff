package sluice.dmacore.witness;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A card that does not snoop under right drivers, and the limits of what is kept of it. */
class WitnessTest extends WitnessedCard {
    @Test
    void aFrameIsSeenAfterItsSync() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5, 9);
        deviceWrites(5, PAGE);
        view.move(Access.WRITE, at(9), MemorySegment.ofArray(frame), PAGE, PAGE, (_, _, _, _, _) -> false);
        assertThat(cpuReads(5, PAGE)).as("before the sync").containsOnly(0);
        syncForCpu(card, 5, 9);
        assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        assertThat(cpuReads(9, PAGE)).isEqualTo(Arrays.copyOfRange(frame, PAGE, 2 * PAGE));
        unmap(card, Direction.FROM_DEVICE, NONE, 5, 9);
        assertThat(errors()).isEmpty();
        assertThat(card.live()).isZero();
    }

    @Test
    void aBufferThatIsUsedAgainIsSyncedBothWays() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        for (int round = 1; round <= 3; round++) {
            frame[0] = (byte) round;
            card.syncForDevice(call("dma_sync_single_for_device", Direction.FROM_DEVICE, NONE), at(5), PAGE);
            deviceWrites(5, PAGE);
            syncForCpu(card, 5);
            assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        }
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).isEmpty();
    }

    @Test
    void whatTheCpuWroteIsReadAfterTheMap() throws Exception {
        MemorySegment.copy(frame, 0, ram.segment(), ValueLayout.JAVA_BYTE, 3L * PAGE, PAGE);
        map(card, Direction.TO_DEVICE, NONE, 3);
        assertThat(deviceReads(3, PAGE)).isEqualTo(frame(PAGE));
        unmap(card, Direction.TO_DEVICE, NONE, 3);
        assertThat(errors()).isEmpty();
    }

    /** udmabuf maps its importers without cache operations, and syncs its own device when user space asks for it. */
    @Test
    void theSyncOfAnotherDeviceFetchesTheFrame() throws Exception {
        WitnessedDevice udmabuf = witness.other("udmabuf", Budget.ofProcess().own());
        if (udmabuf == null) throw new AssertionError("no room for udmabuf");
        assertThat(udmabuf.stream()).isEqualTo(Stream.NON_COHERENT);
        map(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        map(card, Direction.FROM_DEVICE, NONE, 7);
        deviceWrites(7, PAGE);
        unmap(card, Direction.FROM_DEVICE, SKIP, 7);
        assertThat(cpuReads(7, PAGE)).as("nobody has fetched it").containsOnly(0);
        syncForCpu(udmabuf, 7);
        assertThat(cpuReads(7, PAGE)).isEqualTo(frame(PAGE));
        unmap(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        assertThat(errors()).isEmpty();
    }

    @Test
    void coherentMemoryNeedsNoSyncWhicheverDeviceItIsFor() throws Exception {
        WitnessedDevice vivid = witness.other("vivid.0", Budget.ofProcess().own());
        if (vivid == null) throw new AssertionError("no room for vivid");
        vivid.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(20), 2L * PAGE, pages(20, 21));
        card.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(30), PAGE, pages(30));
        map(card, Direction.FROM_DEVICE, SKIP, 20, 21);
        deviceWrites(20, 2 * PAGE);
        deviceWrites(30, PAGE);
        assertThat(cpuReads(20, 2 * PAGE)).isEqualTo(frame);
        assertThat(cpuReads(30, PAGE)).isEqualTo(frame(PAGE));
        unmap(card, Direction.FROM_DEVICE, SKIP, 20, 21);
        vivid.freed(call("dma_free", Direction.BIDIRECTIONAL, NONE), at(20));
        card.freed(call("dma_free", Direction.BIDIRECTIONAL, NONE), at(30));
        assertThat(errors()).isEmpty();
        // The pages are ordinary ones again.
        map(card, Direction.FROM_DEVICE, NONE, 20);
        Arrays.fill(frame, (byte) 7);
        deviceWrites(20, PAGE);
        assertThat(cpuReads(20, 1)[0]).isNotEqualTo((byte) 7);
        unmap(card, Direction.FROM_DEVICE, NONE, 20);
        assertThat(cpuReads(20, PAGE)).isEqualTo(frame(PAGE));
        assertThat(errors()).isEmpty();
    }

    @Test
    void aPageMayBeMappedTwiceToBeRead() throws Exception {
        map(card, Direction.TO_DEVICE, NONE, 4);
        map(card, Direction.TO_DEVICE, NONE, 4, 6);
        assertThat(deviceReads(4, PAGE)).containsOnly(0);
        unmap(card, Direction.TO_DEVICE, NONE, 4);
        assertThat(deviceReads(4, PAGE)).as("the other is there").containsOnly(0);
        unmap(card, Direction.TO_DEVICE, NONE, 4, 6);
        assertThat(card.live()).isZero();
        assertThat(errors()).isEmpty();
    }

    @Test
    void memoryElsewhereMovesAsTheFrontEndHasIt() throws Exception {
        card.mapElsewhere(call("dma_map_phys", Direction.FROM_DEVICE, NONE), new long[]{ at(40) }, new long[]{ PAGE });
        deviceWrites(40, PAGE);
        assertThat(cpuReads(40, PAGE)).isEqualTo(frame(PAGE));
        card.unmap(call("dma_unmap_phys", Direction.FROM_DEVICE, NONE), at(40), PAGE, PAGE);
        assertThat(card.live()).isZero();
        assertThat(errors()).isEmpty();
    }

    @Test
    void aKernelThatMapsTooMuchIsNotKept() throws Exception {
        for (int i = 0; i <= WitnessedDevice.MOST_MAPPINGS; i++)
            card.map(call("dma_map_phys", Direction.TO_DEVICE, NONE), new long[]{ at(i % PAGES) }, new long[]{ 64 },
                    line(i % PAGES, i / PAGES % PAGES));
        assertThat(card.live()).isLessThanOrEqualTo(WitnessedDevice.MOST_MAPPINGS);
        assertThat(card.untracked()).isPositive();
        machine.core().findings().clear();
    }

    /** One line too often is not taken by the core; the device has it all the same, and is not blamed for it. */
    @Test
    void aMappingThatIsNotTakenIsKnownToExist() throws Exception {
        assertThatExceptionOfType(DmaBufException.class).isThrownBy(() -> {
            for (int i = 0; i <= 64; i++) map(card, Direction.TO_DEVICE, NONE, 8);
        }).withMessageContaining("64 attachments share one of its lines");
        assertThat(card.untracked()).isEqualTo(1);
        machine.core().findings().clear();
        assertThat(deviceReads(8, PAGE)).containsOnly(0);
        assertThat(errors()).isEmpty();
    }

    @Test
    void aKernelThatIsGoneLeavesNothing() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        card.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(30), PAGE, pages(30));
        deviceWrites(5, PAGE);
        witness.forget();
        assertThat(card.live()).isZero();
        assertThat(card.isTold()).isFalse();
        assertThat(cpuReads(5, PAGE)).as("nothing is transferred").containsOnly(0);
        assertThat(errors()).isEmpty();
    }

    @Test
    void numbersAreOfServedDevicesOnly() {
        assertThat(witness.number(card)).isEqualTo(1);
        assertThat(witness.numbered(1)).isSameAs(card);
        assertThat(witness.numbered(0)).isNull();
        assertThat(witness.numbered(2)).isNull();
        assertThat(witness.numbered(-1)).isNull();
        for (int i = 0; i < Witness.MOST_OTHERS; i++)
            assertThat(witness.other("misc" + i, Budget.ofProcess().own())).isNotNull();
        assertThat(witness.other("one too many", Budget.ofProcess().own())).isNull();
    }
}
