package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/** Chains in a device's hands while the VM's IOMMU changes its mind, and chains that a device gives back. */
@ParameterizedClass
@EnumSource
class RevocationTest {
    private static final int SIZE = 8;
    private static final byte[] ANSWER = { 1, 2, 3, 4 };
    private static final long FIRST_PLACE = 64;
    private static final long OTHER_PLACE = 8192;

    private final RingKind kind;
    private QueueRig rig;
    private Iommu iommu;
    private Virtqueue queue;

    RevocationTest(RingKind kind) {
        this.kind = kind;
    }

    /** Leads every buffer to its own address plus a distance, until it says otherwise. */
    private static final class Iommu implements FrontTranslation {
        private final FrontTranslation known;
        private long generation;
        private long distance;
        private Outcome answer = Outcome.RESOLVED;

        Iommu(FrontTranslation known) {
            this.known = known;
        }

        void change(Outcome next, long nextDistance) {
            generation++;
            answer = next;
            distance = nextDistance;
        }

        @Override
        public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
            return answer == Outcome.RESOLVED
                    ? known.resolve(address + distance, length, access, target, result)
                    : result.set(answer, address, access, null, "");
        }

        @Override
        public long generation() {
            return generation;
        }

        @Override
        public boolean isRevocable() {
            return true;
        }

        @Override
        public GuestMemory memory() {
            return known.memory();
        }
    }

    @BeforeEach
    void start() throws Exception {
        rig = QueueRig.of(kind, SIZE);
        iommu = new Iommu(rig.buffers);
        queue = rig.start(kind.start(), rig.rings, iommu);
    }

    @AfterEach
    void end() {
        rig.close();
    }

    private void submit(int count) {
        for (int i = 0; i < count; i++) {
            rig.driver.add(List.of(rig.buffer(i, 1)), List.of(rig.buffer(FIRST_PLACE * (i + 1), ANSWER.length)),
                    ChainForm.DIRECT);
        }
        rig.driver.publish();
    }

    private byte[] firstPlace() {
        return rig.read(FIRST_PLACE, ANSWER.length);
    }

    @Test
    void anAnswerThatIsInTimeIsWrittenAtOnce() {
        submit(1);
        Chain chain = QueueRig.chain(queue.poll());
        chain.respond(ANSWER, ANSWER.length);
        assertThat(firstPlace()).isEqualTo(ANSWER);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.driver.poll()).hasValueSatisfying(used -> assertThat(used.written()).isEqualTo(4));
    }

    @Test
    void aLateAnswerGoesWhereItsAddressLeadsByThen() {
        submit(1);
        Chain chain = QueueRig.chain(queue.poll());
        iommu.change(Outcome.RESOLVED, OTHER_PLACE - FIRST_PLACE);
        chain.respond(ANSWER, ANSWER.length);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(firstPlace()).as("where it led before").containsOnly(0);
        assertThat(rig.read(OTHER_PLACE, ANSWER.length)).isEqualTo(ANSWER);
        assertThat(rig.driver.poll()).hasValueSatisfying(used -> assertThat(used.written()).isEqualTo(4));
    }

    /** What was appended before the change stays where it led then; the rest goes where it leads now. */
    @Test
    void anAnswerInPiecesIsFinishedWhereItsAddressLeadsByThen() {
        submit(1);
        Chain chain = QueueRig.chain(queue.poll());
        assertThat(chain.append(ANSWER, 0, 1)).isEqualTo(1);
        iommu.change(Outcome.RESOLVED, OTHER_PLACE - FIRST_PLACE);
        assertThat(chain.append(ANSWER, 1, 1)).isEqualTo(1);
        assertThat(chain.append(ANSWER, 2, 1)).isEqualTo(1);
        assertThat(chain.append(new byte[]{ ANSWER[3], 99, 99 }, 0, 3)).as("no more than fits").isEqualTo(1);
        assertThat(chain.append(ANSWER, 0, 4)).isZero();
        chain.complete();
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(firstPlace()).containsExactly(ANSWER[0], 0, 0, 0);
        assertThat(rig.read(OTHER_PLACE, ANSWER.length)).containsExactly(0, ANSWER[1], ANSWER[2], ANSWER[3]);
        assertThat(rig.driver.poll()).hasValueSatisfying(used -> assertThat(used.written()).isEqualTo(4));
        submit(1);
        QueueRig.chain(queue.poll()).complete();
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.driver.poll()).as("the next begins anew").hasValueSatisfying(
                used -> assertThat(used.written()).isZero());
    }

    @Test
    void anAnswerWhoseAddressIsNotKnownYetWaitsAndLosesNothing() {
        submit(2);
        Chain first = QueueRig.chain(queue.poll());
        Chain second = QueueRig.chain(queue.poll());
        iommu.change(Outcome.MISS, 0);
        first.respond(ANSWER, ANSWER.length);
        second.respond(ANSWER, 2);
        for (int i = 0; i < 2; i++) {
            assertThat(queue.publish()).isEqualTo(new Polled.Stalled(rig.at(FIRST_PLACE), Access.WRITE));
            assertThat(rig.driver.poll()).as("nothing is published").isEmpty();
        }
        iommu.answer = Outcome.RESOLVED;
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(firstPlace()).isEqualTo(ANSWER);
        assertThat(rig.read(2 * FIRST_PLACE, 4)).containsExactly(1, 2, 0, 0);
        assertThat(rig.driver.poll()).isPresent();
        assertThat(rig.driver.poll()).isPresent();
    }

    @Test
    void anAnswerWhoseAddressIsGoneBreaksTheQueue() {
        submit(1);
        Chain chain = QueueRig.chain(queue.poll());
        iommu.change(Outcome.FAULT, 0);
        chain.respond(ANSWER, ANSWER.length);
        assertThat(queue.publish()).isInstanceOfSatisfying(Polled.Broken.class,
                broken -> assertThat(broken.reason()).contains("was unmapped before it was used"));
        assertThat(firstPlace()).containsOnly(0);
    }

    @Test
    void anAnswerWhoseAddressIsGoneTakesNoOtherWithIt() {
        submit(3);
        List<Chain> chains = List.of(QueueRig.chain(queue.poll()), QueueRig.chain(queue.poll()),
                QueueRig.chain(queue.poll()));
        chains.get(0).respond(ANSWER, ANSWER.length);
        iommu.change(Outcome.FAULT, 0);
        chains.get(1).respond(ANSWER, ANSWER.length);
        chains.get(2).complete(0);
        assertThat(queue.publish()).isInstanceOf(Polled.Broken.class);
        List<Integer> written = new ArrayList<>();
        for (int i = 0; i < 3; i++) written.add(rig.driver.poll().map(used -> (int) used.written()).orElse(-1));
        assertThat(written).as("an answer, one that is lost, and none").containsExactly(ANSWER.length, 0, 0);
        assertThat(queue.publish()).as("it is told once, and polling says it again").isEqualTo(Polled.Empty.EMPTY);
        assertThat(queue.poll()).isInstanceOf(Polled.Broken.class);
    }

    @Test
    void aChainThatIsGivenBackComesAgain() {
        submit(3);
        QueueRig.chain(queue.poll()).complete(0);
        int position = queue.position();
        Chain second = QueueRig.chain(queue.poll());
        int id = second.id();
        queue.takeBack(second);
        assertThat(queue.position()).isEqualTo(position);
        assertThat(queue.inFlight()).isZero();
        Chain again = QueueRig.chain(queue.poll());
        assertThat(again.id()).isEqualTo(id);
        assertThat(again.readable().bytes()).isEqualTo(1);
        again.respond(ANSWER, ANSWER.length);
        QueueRig.chain(queue.poll()).complete(0);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        for (int i = 0; i < 3; i++) assertThat(rig.driver.poll()).isPresent();
        assertThat(rig.read(2 * FIRST_PLACE, 4)).isEqualTo(ANSWER);
    }

    /** The next life begins where this one says it ended. */
    @Test
    void aChainThatIsGivenBackIsTheFirstOfTheNextLife() {
        for (int lap = 0; lap < 3 * SIZE; lap++) {
            submit(1);
            Chain chain = QueueRig.chain(queue.poll());
            queue.takeBack(chain);
            int position = queue.position();
            queue.stop();
            queue.takeBack(chain); // too late, and harmless
            queue = rig.start(position, rig.rings, iommu);
            QueueRig.chain(queue.poll()).complete(0);
            assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
            assertThat(rig.driver.poll()).as("lap %d", lap).isPresent();
        }
    }
}
