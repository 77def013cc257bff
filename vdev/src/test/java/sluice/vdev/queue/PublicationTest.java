package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;
import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/** A driver that never sleeps looks while the device publishes: as soon as it sees the first of a batch, all of it is there. */
@ParameterizedClass
@EnumSource
@Timeout(60)
class PublicationTest {
    private static final int ROUNDS = 60;
    private static final int FIRST_WRITTEN = 1;

    private final RingKind kind;

    PublicationTest(RingKind kind) {
        this.kind = kind;
    }

    @ParameterizedTest
    @ValueSource(ints = { 64, 4096 })
    void aBatchIsSeenAsAWhole(int size) throws Exception {
        try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, false), 4096)) {
            rig.driver.interruptsOff();
            Virtqueue queue = rig.start();
            for (int round = 0; round < ROUNDS; round++) {
                // In each round another number of bytes: what is left of the round before shows.
                int written = FIRST_WRITTEN + round;
                for (int i = 0; i < size; i++)
                    rig.driver.add(List.of(), List.of(rig.buffer(0, 4096)),
                            ChainForm.DIRECT);
                rig.driver.publish();
                List<Chain> chains = new ArrayList<>();
                while (queue.poll() instanceof Chain chain)
                    chains.add(chain);
                assertThat(chains).hasSize(size);
                for (Chain chain : chains) chain.complete(written);
                AtomicInteger looking = new AtomicInteger();
                CompletableFuture<Void> device = CompletableFuture.runAsync(() -> {
                    while (looking.get() == 0)
                        Thread.onSpinWait();
                    queue.publish();
                });
                looking.set(1);
                while (!rig.driver.usedPending())
                    Thread.onSpinWait();
                Used last = last(rig, size);
                device.get(10, TimeUnit.SECONDS);
                assertThat(last).as("the last of the batch, round %d", round)
                        .isEqualTo(new Used(chains.getLast().id(), written));
                for (int i = 0; i < size; i++) {
                    assertThat(rig.driver.poll()).contains(new Used(chains.get(i).id(), written));
                }
            }
        }
    }

    /** What the last entry says at this moment; bytes that are not there count as none. */
    private Used last(QueueRig rig, int size) {
        if (kind == RingKind.SPLIT) {
            SplitRings rings = rig.driver.rings();
            int index = rings.usedIndex();
            return rings.usedEntry((index - 1) & (size - 1));
        }
        PackedRing ring = rig.driver.packed();
        boolean wrap = (rig.driver.lastUsed() & PackedRing.WRAP) != 0;
        int used = PackedRing.AVAIL | PackedRing.USED;
        boolean isUsed = (ring.flags(size - 1) & used) == (wrap ? used : 0);
        return new Used(ring.id(size - 1), isUsed ? ring.length(size - 1) : 0);
    }
}
