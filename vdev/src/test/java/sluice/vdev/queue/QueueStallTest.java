package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.RingKind;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/** A queue behind an IOMMU whose cache misses: wherever that happens, in the end all is as if it had not. */
@ParameterizedClass
@EnumSource
class QueueStallTest {
    private static final int SIZE = 8;

    private final RingKind kind;

    QueueStallTest(RingKind kind) {
        this.kind = kind;
    }

    /** What a run leaves behind. */
    private record Outcome(List<StallingTranslation.Question> questions, byte[] memory, List<Integer> heads,
            int interrupts, int stalls) {}

    /** One run of the same work, with the n-th resolution missing. */
    private static final class Run {
        private final QueueRig rig;
        private final StallingTranslation cache;
        private final Virtqueue queue;
        private final List<Integer> heads = new ArrayList<>();
        private int stalls;

        Run(QueueRig rig, int stallAt) {
            this.rig = rig;
            this.cache = new StallingTranslation(stallAt);
            this.queue = rig.start(rig.kind.start(), cache.over(rig.rings), cache.over(rig.buffers));
        }

        Outcome carryOut() {
            for (int round = 0; round < 2; round++) {
                int base = 1024 * round;
                rig.driver.add(List.of(rig.buffer(base, 10)), List.of(), ChainForm.DIRECT);
                rig.driver.add(List.of(rig.buffer(base + 10, 3), rig.buffer(base + 20, 4)),
                        List.of(rig.buffer(base + 512, 5), rig.buffer(base + 520, 6)), ChainForm.INDIRECT);
                rig.driver.add(List.of(rig.buffer(base + 30, 2)),
                        List.of(rig.buffer(base + 530, 7), rig.buffer(base + 540, 1)),
                        rig.kind == RingKind.SPLIT ? ChainForm.MIXED : ChainForm.INDIRECT);
                rig.driver.add(List.of(), List.of(rig.buffer(base + 550, 2), rig.buffer(base + 560, 9)),
                        ChainForm.DIRECT);
                rig.driver.publish();
                Deque<Chain> open = new ArrayDeque<>();
                while (patiently(queue::poll) instanceof Chain chain) {
                    heads.add(chain.id());
                    open.push(chain);
                }
                patientlyEnable();
                cache.invalidate(); // the used ring has to be resolved again to be written
                for (Chain chain : open) EchoTraffic.answer(chain);
                assertThat(patiently(queue::publish)).isEqualTo(Polled.Empty.EMPTY);
                while (rig.driver.poll().isPresent())
                    heads.add(-1);
                cache.invalidate();
            }
            return new Outcome(List.copyOf(cache.questions), rig.ram.memory().toArray(JAVA_BYTE), List.copyOf(heads),
                    rig.interrupts, stalls);
        }

        /** Does it until it does not stall. What stalls must say where, and have done nothing. */
        private Polled patiently(Supplier<Polled> step) {
            boolean before = cache.hasStalled();
            byte[] memory = rig.ram.memory().toArray(JAVA_BYTE);
            int position = queue.position();
            int inFlight = queue.inFlight();
            int interrupts = rig.interrupts;
            Polled polled = step.get();
            if (cache.hasStalled() == before) return polled;
            StallingTranslation.Question missing = cache.stalledAt();
            assertThat(polled).isEqualTo(new Polled.Stalled(missing.missing(), missing.access()));
            assertThat(queue.position()).isEqualTo(position);
            assertThat(queue.inFlight()).isEqualTo(inFlight);
            assertThat(rig.interrupts).isEqualTo(interrupts);
            assertThat(rig.ram.memory().toArray(JAVA_BYTE)).isEqualTo(memory);
            stalls++;
            return patiently(step);
        }

        /** A device that goes to sleep; it may not, when the driver could not be asked to wake it. */
        private void patientlyEnable() {
            cache.invalidate();
            boolean before = cache.hasStalled();
            boolean pollAgain = queue.enableNotifications();
            if (cache.hasStalled() != before) {
                stalls++;
                assertThat(pollAgain).as("a queue that could not ask the driver").isTrue();
                pollAgain = queue.enableNotifications();
            }
            assertThat(pollAgain).as("nothing has arrived").isFalse();
        }
    }

    private Outcome run(boolean eventIndex, int stallAt) throws Exception {
        try (QueueRig rig = new QueueRig(SIZE, QueueRig.features(kind, eventIndex), 8192)) {
            for (int i = 0; i < 2048; i++) {
                rig.ram.memory().set(JAVA_BYTE, rig.ram.offset(rig.at(i), 1), (byte) (31 * i + 7));
            }
            return new Run(rig, stallAt).carryOut();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aMissAtAnyResolutionLosesNothing(boolean eventIndex) throws Exception {
        Outcome smooth = run(eventIndex, -1);
        assertThat(smooth.stalls).isZero();
        assertThat(smooth.heads).hasSize(16);
        // Per round: three ring areas at each of three generations, one table for each of two chains, ten buffers.
        assertThat(smooth.questions).hasSize(2 * (3 * 3 + 2 + 10));
        assertThat(smooth.questions.stream().map(StallingTranslation.Question::access)).contains(Access.READ,
                Access.WRITE);
        for (int n = 0; n < smooth.questions.size(); n++) {
            Outcome stalled = run(eventIndex, n);
            assertThat(stalled.stalls).as("resolution %d is missed once", n).isEqualTo(1);
            assertThat(stalled.questions.get(n)).isEqualTo(smooth.questions.get(n));
            assertThat(stalled.heads).as("resolution %d", n).isEqualTo(smooth.heads);
            assertThat(stalled.interrupts).as("resolution %d", n).isEqualTo(smooth.interrupts);
            assertThat(stalled.memory).as("resolution %d", n).isEqualTo(smooth.memory);
        }
    }

    @Test
    void aMissSaysWhichAccessIsWanted() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, SIZE)) {
            rig.driver.submit(List.of(rig.buffer(0, 11)), List.of(rig.buffer(100, 21)));
            boolean split = kind == RingKind.SPLIT;
            // The ring that holds descriptors is written by the device only if it is packed.
            List<Polled> expected = List.of(
                    new Polled.Stalled(rig.layout.descriptors() + (16 * SIZE - 1) / 2,
                            split ? Access.READ : Access.WRITE),
                    new Polled.Stalled(rig.layout.available() + (split ? 6 + 2 * SIZE - 1 : 3) / 2, Access.READ),
                    new Polled.Stalled(rig.layout.used() + (split ? 6 + 8 * SIZE - 1 : 3) / 2, Access.WRITE),
                    new Polled.Stalled(rig.at(5), Access.READ), new Polled.Stalled(rig.at(110), Access.WRITE));
            for (int n = 0; n < expected.size(); n++) {
                StallingTranslation cache = new StallingTranslation(n);
                Virtqueue queue = rig.start(rig.kind.start(), cache.over(rig.rings), cache.over(rig.buffers));
                assertThat(queue.poll()).as("resolution %d", n).isEqualTo(expected.get(n));
                QueueRig.chain(queue.poll());
            }
        }
    }
}
