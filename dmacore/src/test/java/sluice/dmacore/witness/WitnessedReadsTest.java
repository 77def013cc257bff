package sluice.dmacore.witness;

import java.lang.foreign.MemorySegment;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;

/** A device whose reads do not snoop and whose writes do, such as a GPU that answers commands and shows buffers. */
class WitnessedReadsTest extends WitnessedCard {
    @BeforeEach
    void readsOnly() {
        served(Stream.NON_COHERENT_READS);
    }

    @Test
    void whatItOnlyWritesIsSeenWithoutASync() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 3);
        deviceWrites(3, PAGE);
        assertThat(cpuReads(3, PAGE)).isEqualTo(frame(PAGE));
        unmap(card, Direction.FROM_DEVICE, NONE, 3);
        assertThat(cpuReads(3, PAGE)).as("nothing was fetched over it").isEqualTo(frame(PAGE));
    }

    @Test
    void whatItReadsIsOldUntilTheKernelSyncs() throws Exception {
        map(card, Direction.BIDIRECTIONAL, NONE, 4);
        MemorySegment.copy(MemorySegment.ofArray(frame), 0, ram.segment(), 4L * PAGE, PAGE);
        assertThat(deviceReads(4, PAGE)).containsOnly(0);
        card.syncForDevice(call("dma_sync_sg_for_device", Direction.TO_DEVICE, NONE), at(4), PAGE);
        assertThat(deviceReads(4, PAGE)).isEqualTo(frame(PAGE));
    }

    @Test
    void aWitnessSaysWhomAKernelReportsAndWhatIsCoherent() throws Exception {
        Witness other = new Witness(machine.core());
        assertThat(other.isTold("card")).isFalse();
        assertThat(witness.isTold("another")).isFalse();
        assertThat(witness.isTold("card")).isTrue();
        card.allocated(call("dma_alloc", Direction.BIDIRECTIONAL, NONE), at(7), 2L * PAGE, pages(7, 8));
        assertThat(witness.isCoherent(pages(8))).isTrue();
        assertThat(witness.isCoherent(pages(8, 9))).isFalse();
        card.freed(call("dma_free", Direction.BIDIRECTIONAL, NONE), at(7));
        assertThat(witness.isCoherent(pages(8))).isFalse();
    }
}
