package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A device that gives the chain it has just taken back to the queue, at random between everything else: it is as if it had
 * never taken it. The model is two lists, of what the driver has made available and of what the device holds.
 */
@ParameterizedClass
@EnumSource
class TakeBackTest {
    private static final long SEED = 20261201;
    private static final int STEPS = 20_000;
    private static final int WRITTEN = 3;

    private final RingKind kind;

    TakeBackTest(RingKind kind) {
        this.kind = kind;
    }

    @ParameterizedTest
    @CsvSource({ "1,false", "1,true", "4,false", "4,true", "16,false", "16,true" })
    void whatIsTakenBackWasNeverTaken(int size, boolean inOrder) throws Exception {
        Random random = new Random(SEED + size);
        RingFeatures features = new RingFeatures(true, true, kind == RingKind.PACKED, inOrder, false);
        try (QueueRig rig = new QueueRig(size, features, 4096)) {
            int begin = kind == RingKind.SPLIT ? 65_530 : kind.start();
            rig.driver.restart(begin);
            Virtqueue queue = rig.start(begin);
            Deque<Integer> available = new ArrayDeque<>();
            List<Chain> open = new ArrayList<>();
            Deque<Integer> order = new ArrayDeque<>();
            int takenBack = 0;
            int used = 0;
            for (int step = 0; step < STEPS; step++) {
                if (rig.driver.freeDescriptors() > 0 && random.nextInt(3) == 0) {
                    int room = Math.min(3, rig.driver.freeDescriptors());
                    List<Buffer> writable = new ArrayList<>();
                    for (int i = random.nextInt(room); i >= 0; i--) writable.add(rig.buffer(8L * i, 4));
                    available.add(rig.driver.submit(List.of(), writable));
                }
                int before = queue.position();
                Polled polled = queue.poll();
                if (available.isEmpty()) {
                    assertThat(polled).as("seed %d, step %d", SEED, step).isEqualTo(Polled.Empty.EMPTY);
                } else {
                    Chain chain = QueueRig.chain(polled);
                    assertThat(chain.id()).as("seed %d, step %d", SEED, step).isEqualTo(available.peek());
                    if (random.nextBoolean()) {
                        queue.takeBack(chain);
                        takenBack++;
                        assertThat(queue.position()).as("seed %d, step %d", SEED, step).isEqualTo(before);
                        assertThat(chain.isWaiting()).isFalse();
                    } else {
                        open.add(chain);
                        order.add(available.remove());
                    }
                }
                assertThat(queue.inFlight()).isEqualTo(open.size());
                if (!open.isEmpty() && random.nextBoolean()) {
                    open.remove(random.nextInt(open.size())).complete(WRITTEN);
                }
                if (random.nextInt(4) == 0) {
                    assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                    used += takeUsed(rig, order, inOrder);
                }
            }
            open.forEach(chain -> chain.complete(WRITTEN));
            queue.publish();
            used += takeUsed(rig, order, inOrder);
            assertThat(order).as("seed %d: what was never given back", SEED).isEmpty();
            assertThat(takenBack).isGreaterThan(STEPS / 20);
            assertThat(used).isGreaterThan(STEPS / 20);
        }
    }

    /** What the driver gets is what the device has held, in its order if that was agreed on. */
    private static int takeUsed(QueueRig rig, Deque<Integer> order, boolean inOrder) {
        int count = 0;
        for (Optional<Used> next = rig.driver.poll(); next.isPresent(); next = rig.driver.poll()) {
            Used used = next.get();
            assertThat(used.written()).isEqualTo(WRITTEN);
            if (inOrder) {
                assertThat(used.head()).as("seed %d", SEED).isEqualTo(order.remove());
            } else {
                assertThat(order.remove(used.head())).as("seed %d: %s was held", SEED, used).isTrue();
            }
            count++;
        }
        return count;
    }
}
