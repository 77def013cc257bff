package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/** VIRTIO_F_IN_ORDER: however a device finishes, chains are used as they were made available. */
@ParameterizedClass
@EnumSource
class InOrderTest {
    private static final long SEED = 20260115;

    private final RingKind kind;

    InOrderTest(RingKind kind) {
        this.kind = kind;
    }

    private QueueRig rig(int size) throws Exception {
        return new QueueRig(size, new RingFeatures(true, true, kind == RingKind.PACKED, true, false), 4096);
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 8, 64 })
    void chainsAreUsedInTheOrderInWhichTheyWereMadeAvailable(int size) throws Exception {
        Random random = new Random(SEED + size);
        try (QueueRig rig = rig(size)) {
            rig.driver.restart(QueueRig.somewhere(kind, size));
            Virtqueue queue = rig.start(QueueRig.somewhere(kind, size));
            Deque<Integer> submitted = new ArrayDeque<>();
            List<Chain> open = new ArrayList<>();
            int taken = 0;
            int waited = 0;
            while (taken < 5_000) {
                for (int i = random.nextInt(size) + 1; i > 0 && rig.driver.freeDescriptors() > 0; i--) {
                    submitted.add(rig.driver.submit(List.of(), List.of(rig.buffer(0, 8))));
                }
                while (queue.poll() instanceof Chain chain)
                    open.add(chain);
                for (int i = random.nextInt(open.size() + 1); i > 0; i--) {
                    open.remove(random.nextInt(open.size())).complete(3);
                }
                assertThat(queue.inFlight()).isEqualTo(open.size());
                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                for (Optional<Used> used = rig.driver.poll(); used.isPresent(); used = rig.driver.poll()) {
                    assertThat(used).as("seed %d, size %d", SEED, size).contains(new Used(submitted.remove(), 3));
                    taken++;
                }
                if (submitted.size() > open.size()) waited++;
            }
            if (size > 1) assertThat(waited).as("rounds with a chain that was done and had to wait").isPositive();
        }
    }

    @Test
    void whatIsDoneEarlyWaitsForTheOldestAndThenAllArePublishedAtOnce() throws Exception {
        try (QueueRig rig = rig(4)) {
            Virtqueue queue = rig.start();
            List<Chain> open = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                rig.driver.submit(List.of(), List.of(rig.buffer(0, 8)));
                open.add(QueueRig.chain(queue.poll()));
            }
            open.get(2).complete(1);
            open.get(1).complete(2);
            queue.publish();
            assertThat(rig.driver.usedPending()).isFalse();
            assertThat(rig.interrupts).isZero();
            open.get(0).complete(3);
            queue.publish();
            assertThat(rig.interrupts).isEqualTo(1);
            for (int i = 0; i < 3; i++) assertThat(rig.driver.poll()).contains(new Used(open.get(i).id(), 3 - i));
        }
    }

    @Test
    void aStopForgetsWhatWaits() throws Exception {
        try (QueueRig rig = rig(4)) {
            Virtqueue queue = rig.start();
            rig.driver.submit(List.of(), List.of(rig.buffer(0, 8)));
            Chain oldest = QueueRig.chain(queue.poll());
            rig.driver.submit(List.of(), List.of(rig.buffer(0, 8)));
            QueueRig.chain(queue.poll()).complete(1);
            queue.stop();
            oldest.complete(1);
            queue.publish();
            assertThat(rig.driver.poll()).isEmpty();
            assertThat(queue.inFlight()).isZero();
        }
    }
}
