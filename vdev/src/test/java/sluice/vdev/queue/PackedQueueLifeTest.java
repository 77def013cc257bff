package sluice.vdev.queue;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/** Where a packed queue's life begins: at an entry and a wrap counter for either direction. */
class PackedQueueLifeTest {
    @ParameterizedTest
    @CsvSource({ "0,true", "1,true", "6,true", "0,false", "1,false", "6,false" })
    void itBeginsAtTheEntryAndInTheLapItIsTold(int entry, boolean wrap) throws Exception {
        int place = entry | (wrap ? PackedRing.WRAP : 0);
        try (QueueRig rig = QueueRig.of(RingKind.PACKED, 7)) {
            rig.driver.restart(place << 16 | place);
            Virtqueue queue = rig.start(place << 16 | place);
            assertThat(queue.position()).isEqualTo(place << 16 | place);
            for (int i = 0; i < 20; i++) {
                int id = rig.driver.submit(List.of(rig.buffer(0, 1)), List.of(rig.buffer(8, 4)));
                QueueRig.chain(queue.poll()).complete(4);
                queue.publish();
                assertThat(rig.driver.poll()).contains(new Used(id, 4));
                assertThat(queue.position()).isEqualTo(rig.driver.position());
            }
        }
    }

    /** As a queue that was stopped with chains open: what it takes next lies before what it gives back next. */
    @Test
    void theTwoDirectionsBeginApart() throws Exception {
        try (QueueRig rig = QueueRig.of(RingKind.PACKED, 4)) {
            int used = 2 | PackedRing.WRAP;
            int available = 1; // in the lap after
            Virtqueue queue = rig.start(used << 16 | available);
            PackedRing ring = rig.driver.packed();
            ring.descriptor(1, rig.at(0), 8, 3, PackedRing.WRITE | PackedRing.USED);
            Chain chain = QueueRig.chain(queue.poll());
            chain.complete(5);
            queue.publish();
            assertThat(ring.flags(2)).isEqualTo(PackedRing.AVAIL | PackedRing.USED | PackedRing.WRITE);
            assertThat(ring.id(2)).isEqualTo(3);
            assertThat(ring.length(2)).isEqualTo(5);
            assertThat(queue.position()).isEqualTo((3 | PackedRing.WRAP) << 16 | 2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 0x7fff_7fff, -1, 0x0007_8007 })
    void aPositionBehindTheRingsEndIsBroughtInside(int position) throws Exception {
        try (QueueRig rig = QueueRig.of(RingKind.PACKED, 7)) {
            Virtqueue queue = rig.start(position);
            assertThat(queue.position() & 0x7fff).isLessThan(7);
            assertThat(queue.position() >>> 16 & 0x7fff).isLessThan(7);
            assertThat(queue.poll()).isNotInstanceOf(Polled.Broken.class);
        }
    }

    @Test
    void anAnswerOfNoBytesIsUsedWithoutTheFlagThatSaysWritten() throws Exception {
        try (QueueRig rig = QueueRig.of(RingKind.PACKED, 4)) {
            Virtqueue queue = rig.start();
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of(rig.buffer(8, 4)));
            QueueRig.chain(queue.poll()).complete(0);
            queue.publish();
            assertThat(rig.driver.packed().flags(0)).isEqualTo(PackedRing.AVAIL | PackedRing.USED);
        }
    }
}
