package sluice.vdev.queue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;
import sluice.vdev.fixture.Used;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/** The memory table changes while chains are with the device. */
@ParameterizedClass
@EnumSource
class MemoryTableChangeTest {
    private final RingKind kind;

    MemoryTableChangeTest(RingKind kind) {
        this.kind = kind;
    }

    /** The same guest in another file: what was at an address is there again, in other memory. */
    private static GuestRam copyOf(QueueRig rig) throws Exception {
        GuestRam copy = GuestRam.of(rig.ram.regions(), 1);
        MemorySegment.copy(rig.ram.memory(), 0, copy.memory(), 0, rig.ram.memory().byteSize());
        return copy;
    }

    private static byte at(GuestRam ram, long guestAddress) {
        return ram.memory().get(JAVA_BYTE, ram.offset(guestAddress, 1));
    }

    /** The first used entries there are in another memory, of two direct chains of two buffers. */
    private List<Used> usedIn(GuestRam memory, QueueRig rig) {
        if (kind == RingKind.SPLIT) {
            SplitRings rings = new SplitRings(memory.memory(), rig.driver.layout());
            return IntStream.range(0, rings.usedIndex()).mapToObj(rings::usedEntry).toList();
        }
        PackedRing ring = new PackedRing(memory.memory(), rig.driver.layout());
        int used = PackedRing.AVAIL | PackedRing.USED;
        return IntStream.of(0, 2).filter(i -> (ring.flags(i) & used) == used)
                .mapToObj(i -> new Used(ring.id(i), ring.length(i))).toList();
    }

    @Test
    void chainsCompleteIntoTheMemoryTheyWereTakenFromAndArePublishedInTheNew() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(rig.buffer(0, 4)), List.of(rig.buffer(64, 4)));
            int second = rig.driver.submit(List.of(rig.buffer(0, 4)), List.of(rig.buffer(128, 4)));
            Chain old = QueueRig.chain(queue.poll());
            try (GuestRam moved = copyOf(rig)) {
                rig.view.adopt(rig.table(moved));
                assertThat(rig.mapped()).as("the chain holds the old file").isEqualTo(2);

                Chain next = QueueRig.chain(queue.poll());
                assertThat(next.id()).isEqualTo(second);
                next.respond(new byte[]{ 7 }, 1);
                old.respond(new byte[]{ 5 }, 1);
                assertThat(at(rig.ram, rig.at(64))).as("the old chain's answer, in the old memory").isEqualTo((byte) 5);
                assertThat(at(moved, rig.at(64))).isZero();
                assertThat(at(moved, rig.at(128))).as("the new chain's answer, in the new memory").isEqualTo((byte) 7);
                assertThat(at(rig.ram, rig.at(128))).isZero();
                rig.awaitMapped(1);

                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                assertThat(rig.driver.poll()).as("the old ring").isEmpty();
                assertThat(usedIn(moved, rig)).containsExactly(new Used(second, 1), new Used(head, 1));
                rig.view.adopt(GuestMemory.empty());
                rig.awaitMapped(0);
            }
        }
    }

    @Test
    void theUsedRingIsWrittenWhereTheNewTableHasIt() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(), List.of(rig.buffer(64, 4)));
            Chain chain = QueueRig.chain(queue.poll());
            try (GuestRam moved = copyOf(rig)) {
                chain.respond(new byte[]{ 5, 6 }, 2);
                rig.view.adopt(rig.table(moved));
                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                assertThat(rig.driver.usedPending()).isFalse();
                // The same driver looks at the new memory.
                MemorySegment.copy(moved.memory(), 0, rig.ram.memory(), 0, moved.memory().byteSize());
                assertThat(rig.driver.poll()).contains(new Used(head, 2));
                rig.view.adopt(rig.table(rig.ram));
            }
        }
    }

    @Test
    void aTableThatGrewMapsNothingAnewAndTheQueueGoesOn() throws Exception {
        try (QueueRig rig = new QueueRig(8, QueueRig.features(kind, true), 8 * EchoTraffic.SLOT_BYTES)) {
            Virtqueue queue = rig.start();
            EchoTraffic traffic = new EchoTraffic(rig, 1);
            for (int i = 0; i < 50; i++) {
                while (traffic.add())
                    rig.driver.publish();
                Chain open = QueueRig.chain(queue.poll());
                rig.view.adopt(rig.table(rig.ram));
                assertThat(rig.mapped()).isEqualTo(1);
                EchoTraffic.answer(open);
                while (queue.poll() instanceof Chain chain)
                    EchoTraffic.answer(chain);
                rig.view.adopt(rig.table(rig.ram));
                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                traffic.takeAll();
            }
            assertThat(traffic.taken).isEqualTo(traffic.submitted).isGreaterThan(50);
        }
    }

    @Test
    void aTableWithoutTheRingsBreaksTheQueueAndLeavesOpenChainsWhereTheyAre() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            rig.driver.submit(List.of(), List.of(rig.buffer(64, 4)));
            Chain chain = QueueRig.chain(queue.poll());
            rig.view.adopt(GuestMemory.empty());
            Polled broken = queue.poll();
            assertThat(broken).isEqualTo(new Polled.Broken("descriptor %s at 0x%x, 128 bytes, is not guest memory"
                    .formatted(kind == RingKind.SPLIT ? "table" : "ring", rig.layout.descriptors())));
            chain.respond(new byte[]{ 5 }, 1);
            assertThat(at(rig.ram, rig.at(64))).isEqualTo((byte) 5);
            assertThat(queue.publish()).isEqualTo(broken);
            assertThat(rig.driver.poll()).isEmpty();
            rig.awaitMapped(0);
        }
    }
}
