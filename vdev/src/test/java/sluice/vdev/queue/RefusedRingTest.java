package sluice.vdev.queue;

import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/** A ring refused by the VM's IOMMU. A cache reports that once, to the first caller, and must not be asked again. */
@ParameterizedClass
@CsvSource({ "SPLIT, true", "SPLIT, false", "PACKED, true", "PACKED, false" })
class RefusedRingTest {
    private final RingKind kind;
    private final boolean eventIndex;

    RefusedRingTest(RingKind kind, boolean eventIndex) {
        this.kind = kind;
        this.eventIndex = eventIndex;
    }

    /** Refuses the first question and says of all others that it does not know yet. */
    private static final class TellsOnce implements FrontTranslation {
        private final GuestMemory memory;
        private int questions;

        TellsOnce(GuestMemory memory) {
            this.memory = memory;
        }

        @Override
        public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
            return questions++ == 0
                    ? result.set(Outcome.FAULT, address, access, null, "no permission")
                    : result.missed(address, access);
        }

        @Override
        public long generation() {
            return 1;
        }

        @Override
        public GuestMemory memory() {
            return memory;
        }
    }

    private void assertTold(Consumer<Virtqueue> first) throws Exception {
        try (QueueRig rig = new QueueRig(8, QueueRig.features(kind, eventIndex), 4096)) {
            TellsOnce iommu = new TellsOnce(rig.rings.memory());
            Virtqueue queue = rig.start(kind.start(), iommu, rig.buffers);
            first.accept(queue);
            assertThat(queue.poll()).isInstanceOfSatisfying(Polled.Broken.class,
                    broken -> assertThat(broken.reason()).endsWith("is not guest memory: no permission"));
            queue.disableNotifications();
            assertThat(queue.enableNotifications()).as("poll and see").isTrue();
            assertThat(queue.poll()).isInstanceOf(Polled.Broken.class);
            assertThat(iommu.questions).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void isToldToAPoll() throws Exception {
        assertTold(queue -> {});
    }

    @Test
    void isKeptForThePollBehindAHintToTheDriver() throws Exception {
        assertTold(Virtqueue::disableNotifications);
    }

    @Test
    void isKeptForThePollBehindAWishForNotifications() throws Exception {
        assertTold(queue -> assertThat(queue.enableNotifications()).isTrue());
    }
}
