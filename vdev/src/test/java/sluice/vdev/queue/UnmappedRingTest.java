package sluice.vdev.queue;

import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A ring that is not memory is the driver's fault, with one exception: the IOMMU has unmapped it, as happens to a
 * driver that ends without a word.
 */
@ParameterizedClass
@EnumSource
class UnmappedRingTest {
    private final RingKind kind;

    UnmappedRingTest(RingKind kind) {
        this.kind = kind;
    }

    /** Knows everything until it knows nothing any more. */
    private static final class Iommu implements FrontTranslation {
        private final FrontTranslation known;
        private final boolean revocable;
        private long generation;
        private boolean gone;

        Iommu(FrontTranslation known, boolean revocable) {
            this.known = known;
            this.revocable = revocable;
        }

        void forget() {
            generation++;
            gone = true;
        }

        @Override
        public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
            return gone ? result.faulted(address, access) : known.resolve(address, length, access, target, result);
        }

        @Override
        public long generation() {
            return generation;
        }

        @Override
        public boolean isRevocable() {
            return revocable;
        }

        @Override
        public GuestMemory memory() {
            return known.memory();
        }
    }

    @ParameterizedTest
    @CsvSource({ "true,true,true", "true,false,false", "false,true,false", "false,false,false" })
    void nobodyIsToBlameOnlyIfAnIommuHasTakenTheRing(boolean revocable, boolean wasThere, boolean nobody)
            throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Iommu iommu = new Iommu(rig.rings, revocable);
            Virtqueue queue = rig.start(kind.start(), iommu, rig.buffers);
            if (wasThere) assertThat(queue.poll()).isEqualTo(Polled.Empty.EMPTY);
            iommu.forget();
            String what = kind == RingKind.SPLIT ? "descriptor table" : "descriptor ring";
            Polled broken = new Polled.Broken("%s at 0x%x, 128 bytes, is not guest memory".formatted(what,
                    rig.layout.descriptors()), nobody);
            assertThat(queue.poll()).isEqualTo(broken);
            assertThat(queue.poll()).as("for good").isEqualTo(broken);
        }
    }
}
