package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A queue's lives: where one begins, what ends with it, and what goes on in the next. */
@ParameterizedClass
@EnumSource
class QueueLifeTest {
    private static final long SEED = 20260108;

    private final RingKind kind;

    QueueLifeTest(RingKind kind) {
        this.kind = kind;
    }

    private static byte[] memory(QueueRig rig) {
        return rig.ram.memory().toArray(JAVA_BYTE);
    }

    @Test
    void whatOneLifeLeavesTheNextGoesOnWith() throws Exception {
        Random random = new Random(SEED);
        try (QueueRig rig = new QueueRig(16, QueueRig.features(kind, true), 16 * EchoTraffic.SLOT_BYTES)) {
            int position = QueueRig.somewhere(kind, 16);
            rig.driver.restart(position);
            EchoTraffic traffic = new EchoTraffic(rig, SEED);
            for (int life = 0; life < 300; life++) {
                Virtqueue queue = rig.start(position);
                for (int turn = random.nextInt(4); turn >= 0; turn--) {
                    for (int i = random.nextInt(16); i >= 0 && traffic.add();) i--;
                    rig.driver.publish();
                    // Some are left in the ring, for the next life.
                    for (int i = random.nextInt(16); i > 0 && queue.poll() instanceof Chain chain; i--) {
                        EchoTraffic.answer(chain);
                    }
                    queue.publish();
                    traffic.takeAll();
                }
                position = queue.position();
                queue.stop();
            }
            assertThat(traffic.taken).as("seed %d", SEED).isGreaterThan(2_000);
            assertThat(position).isEqualTo(rig.driver.position());
        }
    }

    @Test
    void completingAfterTheStopDoesNothing() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            List<Chain> open = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                rig.driver.submit(List.of(rig.buffer(0, 1)), List.of(rig.buffer(64L * i, 32)));
                open.add(QueueRig.chain(queue.poll()));
            }
            open.get(0).respond(new byte[]{ 1 }, 1); // completed, but not published
            queue.stop();
            byte[] before = memory(rig);
            open.get(1).respond(new byte[]{ 2, 2 }, 2);
            open.get(1).respond(new byte[]{ 2, 2 }, 2);
            open.get(2).complete(32);
            open.get(2).complete(-1);
            assertThat(open).noneMatch(Chain::isWaiting);
            assertThat(queue.inFlight()).isZero();
            assertThat(queue.publish()).isEqualTo(new Polled.Broken("the queue was stopped"));
            assertThat(queue.poll()).isEqualTo(new Polled.Broken("the queue was stopped"));
            assertThat(queue.enableNotifications()).as("poll and see").isTrue();
            queue.disableNotifications();
            assertThat(memory(rig)).isEqualTo(before);
            assertThat(rig.driver.poll()).isEmpty();
            assertThat(rig.interrupts).isZero();
        }
    }

    @Test
    void lateWorkOfAnEarlierLifeDoesNotTouchTheNext() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue first = rig.start();
            int head = rig.driver.submit(List.of(), List.of(rig.buffer(0, 8)));
            Chain late = QueueRig.chain(first.poll());
            first.stop();
            // The front-end starts the queue anew with the driver's ring as it is: the same chain is taken again.
            Virtqueue second = rig.start();
            Chain again = QueueRig.chain(second.poll());
            assertThat(again.id()).isEqualTo(head);
            late.respond(new byte[]{ 9, 9, 9 }, 3);
            second.publish();
            assertThat(rig.driver.poll()).isEmpty();
            assertThat(rig.read(0, 8)).containsOnly(0);
            again.respond(new byte[]{ 1, 2 }, 2);
            second.publish();
            assertThat(rig.driver.poll()).isEqualTo(Optional.of(new Used(head, 2)));
            assertThat(rig.read(0, 8)).containsExactly(1, 2, 0, 0, 0, 0, 0, 0);
        }
    }

    @Test
    void completingTwiceIsAnErrorOfTheDevice() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(), List.of(rig.buffer(0, 8)));
            Chain chain = QueueRig.chain(queue.poll());
            chain.complete(1);
            for (int i = 0; i < 2; i++) {
                String sentence = "chain " + head + " was completed before";
                assertThatThrownBy(() -> chain.complete(1)).isInstanceOf(IllegalStateException.class)
                        .hasMessage(sentence);
                assertThatThrownBy(() -> chain.respond(new byte[]{ 7 }, 1)).isInstanceOf(IllegalStateException.class)
                        .hasMessage(sentence);
                queue.publish(); // neither before the driver knows nor after
            }
            assertThat(rig.driver.poll()).contains(new Used(head, 1));
            assertThat(rig.driver.poll()).isEmpty();
            assertThat(rig.read(0, 1)).as("the second answer was not written").containsExactly(0);
        }
    }

    @Test
    void moreThanFitsIsAnErrorOfTheDeviceAndTheChainStaysOpen() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(rig.buffer(0, 100)), List.of(rig.buffer(0, 8)));
            Chain chain = QueueRig.chain(queue.poll());
            for (long written : new long[]{ 9, -1, Long.MAX_VALUE, Long.MIN_VALUE }) {
                assertThatThrownBy(() -> chain.complete(written)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessage(written + " bytes written to a chain of 8 writable bytes");
            }
            assertThat(chain.isWaiting()).isTrue();
            chain.complete(8);
            queue.publish();
            assertThat(rig.driver.poll()).contains(new Used(head, 8));
        }
    }

    /** An answer of several pieces over buffers that they do not fit: each byte lands, in its order. */
    @Test
    void anAnswerIsAppendedPieceByPiece() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(), List.of(rig.buffer(0, 3), rig.buffer(64, 5)));
            Chain chain = QueueRig.chain(queue.poll());
            assertThat(chain.append(new byte[]{ 0, 1, 2, 0 }, 1, 2)).isEqualTo(2);
            assertThat(chain.append(new byte[]{ 3, 4, 5 }, 0, 3)).isEqualTo(3);
            assertThat(chain.append(new byte[]{ 6, 7, 8, 9, 10 }, 0, 5)).as("as much as fits").isEqualTo(3);
            assertThatThrownBy(() -> chain.append(new byte[2], 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            queue.publish();
            assertThat(rig.driver.poll()).as("until it is completed").isEmpty();
            chain.complete();
            queue.publish();
            assertThat(rig.driver.poll()).contains(new Used(head, 8));
            assertThat(rig.read(0, 4)).containsExactly(1, 2, 3, 0);
            assertThat(rig.read(64, 6)).containsExactly(4, 5, 6, 7, 8, 0);
        }
    }

    @Test
    void theGenerationAChainWasResolvedInIsLetGoWithIt() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            for (int i = 0; i < 2; i++) rig.driver.submit(List.of(), List.of(rig.buffer(64L * i, 8)));
            Chain completed = QueueRig.chain(queue.poll());
            Chain stopped = QueueRig.chain(queue.poll());
            rig.view.adopt(GuestMemory.empty());
            assertThat(rig.mapped()).as("two chains hold the memory").isEqualTo(1);
            completed.respond(new byte[]{ 1 }, 1);
            assertThat(rig.mapped()).as("one chain holds it").isEqualTo(1);
            assertThat(stopped.readable().bytes()).isZero();
            queue.stop();
            rig.awaitMapped(0);
            assertThat(rig.read(0, 1)).containsExactly(1);
        }
    }
}
