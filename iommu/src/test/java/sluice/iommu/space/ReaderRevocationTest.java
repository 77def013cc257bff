package sluice.iommu.space;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Unmap against readers and holders that do not let go. */
class ReaderRevocationTest {
    private static final long PAGE = Targets.PAGE_SIZE;
    private static final Owner OWNER = new Owner(1, "test");
    private static final Duration BOUND = Duration.ofMillis(50);

    private final IoSpace space = IoSpace
            .open(IoSpaceOptions.of("space", AddressRange.of(0, 1L << 24)).withUnmapBound(BOUND));
    private final TargetRuns runs = new TargetRuns();

    /** A thread that stays in a section until it is released. */
    private final class StubbornReader extends Thread {
        final CountDownLatch inside = new CountDownLatch(1);
        final CountDownLatch mayGoOn = new CountDownLatch(1);
        final AtomicReference<Outcome> sameSection = new AtomicReference<>();
        final AtomicReference<Outcome> nextSection = new AtomicReference<>();
        final AtomicReference<FaultRecord> fault = new AtomicReference<>();
        final AtomicReference<Boolean> sawRevocation = new AtomicReference<>();

        @Override
        public void run() {
            TargetRuns own = new TargetRuns();
            try (Reader reader = space.openReader()) {
                try (var _ = reader.enter()) {
                    reader.translate(0, PAGE, Access.READ, own);
                    inside.countDown();
                    mayGoOn.await();
                    sawRevocation.set(reader.revoked());
                    // A page that is still mapped: the section is what was revoked.
                    sameSection.set(reader.translate(PAGE, PAGE, Access.READ, own));
                    fault.set(Objects.requireNonNull(reader.fault()));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                try (var _ = reader.enter()) {
                    nextSection.set(reader.translate(PAGE, PAGE, Access.READ, own));
                }
            }
        }
    }

    @Test
    void anUnmapGivesUpOnAReaderAfterItsBoundAndTheReaderFaults() throws MapException, InterruptedException {
        Mapping mapping = space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        Mapping other = space.map(PAGE, TargetRuns.of(8 * PAGE, PAGE), Permission.READ_WRITE, OWNER);
        StubbornReader reader = new StubbornReader();
        reader.start();
        reader.inside.await();

        long begin = System.nanoTime();
        Unmapped removed = space.unmap(mapping);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(removed.bytes()).isEqualTo(PAGE);
        assertThat(removed.overrun()).isEqualTo(1);
        assertThat(space.faults().count(FaultReason.TIMEOUT)).isEqualTo(1);

        // The section is not waited for again.
        space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        begin = System.nanoTime();
        assertThat(space.unmap(AddressRange.of(0, PAGE), Splitting.REFUSED).overrun()).isEqualTo(1);
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(20));

        reader.mayGoOn.countDown();
        reader.join();
        assertThat(reader.sawRevocation).hasValue(true);
        assertThat(reader.sameSection).hasValue(Outcome.FAULT);
        assertThat(reader.fault.get().reason()).isEqualTo(FaultReason.TIMEOUT);
        assertThat(reader.nextSection).hasValue(Outcome.RESOLVED);
        assertThat(space.unmap(other).overrun()).isZero();
        assertThat(space.statistics().overruns()).isEqualTo(2);
    }

    @Test
    void aPinnedMappingIsRevokedAndItsHolderGetsTimeToLetGo() throws MapException, InterruptedException {
        Mapping mapping = space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        Pin pin = pin(mapping);
        CountDownLatch held = new CountDownLatch(1);
        Thread holder = new Thread(() -> {
            held.countDown();
            while (!pin.revoked())
                Thread.onSpinWait();
            pin.close();
            pin.close(); // a second close does nothing
        });
        holder.start();
        held.await();
        Unmapped removed = space.unmap(mapping);
        holder.join();
        // On a busy machine the holder may have been too late; then it was given up on, never waited for longer.
        assertThat(removed.overrun()).isBetween(0, 1);
        assertThat(mapping.pins()).isZero();
        assertThat(mapping.state()).isEqualTo(Mapping.State.UNMAPPED);
        assertThat(mapping.pin()).isNull();
    }

    @Test
    void aHolderThatDoesNotLetGoIsGivenUpOn() throws MapException {
        Mapping mapping = space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        try (Pin pin = pin(mapping)) {
            assertThat(pin.revoked()).isFalse();
            assertThat(pin.mapping()).isSameAs(mapping);
            Unmapped removed = space.unmap(mapping);
            assertThat(removed.overrun()).isEqualTo(1);
            assertThat(pin.revoked()).isTrue();
        }
        assertThat(mapping.pins()).isZero();
        assertThat(space.faults().take()).singleElement().satisfies(fault -> {
            assertThat(fault.reason()).isEqualTo(FaultReason.TIMEOUT);
            assertThat(fault.access()).isNull();
        });
    }

    @Test
    void aPinnedMappingIsNotMoved() throws MapException {
        Mapping mapping = space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        try (Pin _ = pin(mapping)) {
            assertThatThrownBy(() -> space.move(mapping, TargetRuns.of(PAGE, PAGE)))
                    .isInstanceOfSatisfying(MapException.class,
                            refused -> assertThat(refused.refusal()).isEqualTo(Refusal.PINNED))
                    .hasMessageContaining("is pinned 1 times");
        }
        space.move(mapping, TargetRuns.of(PAGE, PAGE));
        try (Reader reader = space.openReader(); var _ = reader.enter()) {
            assertThat(reader.target(0, Access.READ)).isEqualTo(PAGE);
        }
    }

    @Test
    void whoeverWaitsForReadersMustNotBeOne() throws MapException {
        Mapping mapping = space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        try (Reader reader = space.openReader()) {
            try (var _ = reader.enter()) {
                assertThatThrownBy(() -> space.unmap(mapping)).isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("leave it first");
                assertThat(reader.target(0, Access.WRITE)).as("nothing was changed").isZero();
            }
            assertThat(space.unmap(mapping).overrun()).isZero();
            assertThat(space.statistics().barriers()).as("alone, nobody has to be fenced").isZero();
        }
    }

    @Test
    void sectionsDoNotNestAndAreNeededToTranslate() throws MapException {
        space.map(0, TargetRuns.of(0, PAGE), Permission.READ_WRITE, OWNER);
        Reader reader = space.openReader();
        try (var _ = reader.enter()) {
            assertThatThrownBy(reader::enter).isInstanceOf(AssertionError.class)
                    .hasMessage("read sections do not nest");
            assertThatThrownBy(reader::close).isInstanceOf(IllegalStateException.class);
            assertThat(reader.translate(0, PAGE, Access.READ, runs)).isEqualTo(Outcome.RESOLVED);
        }
        assertThatThrownBy(() -> reader.translate(0, PAGE, Access.READ, runs))
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("outside of a read section");
        reader.close();
    }

    private static Pin pin(Mapping mapping) {
        Pin pin = mapping.pin();
        if (pin == null) throw new AssertionError(mapping + " could not be pinned");
        return pin;
    }
}
