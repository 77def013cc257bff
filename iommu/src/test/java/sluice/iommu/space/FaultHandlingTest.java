package sluice.iommu.space;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.fault.Neighbour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.OWNER;

/** What a fault says, and what each policy makes of it. */
class FaultHandlingTest {
    private static final IoSpaceOptions OPTIONS = IoSpaceOptions.of("gpu0", AddressRange.of(0x10_0000, 1 << 24));

    private static Neighbour present(@Nullable Neighbour neighbour) {
        if (neighbour == null) throw new AssertionError("no such mapping in the record");
        return neighbour;
    }

    @Test
    void aFaultNamesWhoIsNearAndWhoWasThere() throws MapException {
        List<FaultRecord> told = new ArrayList<>();
        SpaceFixture fixture = new SpaceFixture(OPTIONS.withFaultLog(8, told::add));
        Owner framebuffer = new Owner(7, "resource 7");
        Mapping below = fixture.map(0x10_0000, 0, KIB4);
        Mapping was = fixture.space.map(0x20_0000, TargetRuns.of(0, 4 * KIB4), Permission.READ_WRITE, framebuffer);
        Mapping above = fixture.map(0x30_0000, 0, KIB4);
        fixture.space.unmap(was);
        fixture.reader.context(new FaultContext(0, 1, 42));

        FaultRecord fault = fixture.fault(0x20_1000, 64, Access.WRITE);
        assertThat(fault.reason()).isEqualTo(FaultReason.AFTER_UNMAP);
        assertThat(fault.device()).isEqualTo("gpu0");
        assertThat(fault.context()).isEqualTo(new FaultContext(0, 1, 42));
        assertThat(fault.iova()).isEqualTo(0x20_1000);
        assertThat(fault.length()).isEqualTo(64);
        assertThat(fault.access()).isEqualTo(Access.WRITE);
        assertThat(fault.rule()).isNull();
        assertThat(fault.below()).isEqualTo(new Neighbour(below.id(), below.range(), OWNER));
        assertThat(fault.above()).isEqualTo(new Neighbour(above.id(), above.range(), OWNER));
        assertThat(fault.last()).isEqualTo(new Neighbour(was.id(), was.range(), framebuffer));
        assertThat(told).containsExactly(fault);
        assertThat(fixture.space.faults().take()).containsExactly(fault);
    }

    @Test
    void anAddressIsPlacedBeforeItIsLookedUp() throws MapException {
        SpaceFixture fixture = new SpaceFixture(OPTIONS.withAddressMask(0x7f_ffff)
                .withReserved(AddressRange.of(0x20_0000, 0x1000)));
        assertThat(fixture.reason(0, 1, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason(0x80_0000, 1, Access.READ)).isEqualTo(FaultReason.OVER_MASK);
        assertThat(fixture.reason(0x20_0fff, 1, Access.READ)).isEqualTo(FaultReason.RESERVED);
        assertThat(fixture.reason(0x20_1000, 1, Access.READ)).isEqualTo(FaultReason.NOT_MAPPED);
        SpaceFixture.refused(Refusal.OVER_MASK, 34, () -> fixture.map(0x7f_f000, 0, 2 * KIB4));
        SpaceFixture.refused(Refusal.RESERVED, 22, () -> fixture.map(0x1f_f000, 0, 2 * KIB4));
        fixture.map(0x7f_f000, 0, KIB4);
        assertThat(fixture.reason(0x7f_f000, 2 * KIB4, Access.READ)).isEqualTo(FaultReason.OVER_MASK);
    }

    @Test
    void policiesSayWhatTheDeviceDoes() {
        record Case(FaultPolicy policy, Outcome outcome) {}
        for (Case each : List.of(new Case(new FaultPolicy.Abort(), Outcome.FAULT),
                new Case(new FaultPolicy.ReadZeroDropWrite(), Outcome.READ_ZERO_DROP_WRITE),
                new Case(new FaultPolicy.Stall(Duration.ofMillis(1)), Outcome.STALLED),
                new Case(new FaultPolicy.StopQueue(), Outcome.STOP_QUEUE))) {
            SpaceFixture fixture = new SpaceFixture(OPTIONS.withFaultPolicy(each.policy()));
            assertThat(fixture.translate(0x10_0000, 1, Access.READ)).isEqualTo(each.outcome());
            assertThat(fixture.reader.fault()).isNotNull();
            assertThat(fixture.space.faults().count(FaultReason.NOT_MAPPED)).isEqualTo(1);
        }
        assertThatThrownBy(() -> new FaultPolicy.Stall(Duration.ZERO)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aStalledAccessGoesOnWhenItsPageIsMapped() throws MapException, InterruptedException {
        IoSpace space = IoSpace.open(OPTIONS.withFaultPolicy(new FaultPolicy.Stall(Duration.ofSeconds(60))));
        AtomicReference<Outcome> second = new AtomicReference<>();
        CountDownLatch stalling = new CountDownLatch(1);
        Thread device = new Thread(() -> {
            TargetRuns runs = new TargetRuns();
            try (Reader reader = space.openReader()) {
                Outcome outcome;
                do {
                    try (var _ = reader.enter()) {
                        outcome = reader.translate(0x10_0000, 16, Access.WRITE, runs);
                    }
                    stalling.countDown();
                } while (outcome == Outcome.STALLED && reader.awaitMapped());
                second.set(outcome);
            }
        });
        device.start();
        stalling.await();
        // Neither a mapping elsewhere nor one that does not allow it is what it waits for.
        space.map(0x30_0000, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
        Mapping wrong = space.map(0x10_0000, TargetRuns.of(0, KIB4), Permission.READ_ONLY, OWNER);
        space.unmap(wrong);
        space.map(0x10_0000, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
        device.join();
        assertThat(second).hasValue(Outcome.RESOLVED);
        assertThat(space.stalled()).isZero();
        assertThat(space.faults().count(FaultReason.TIMEOUT)).isZero();
    }

    @Test
    void aStalledAccessTimesOut() {
        SpaceFixture fixture = new SpaceFixture(
                OPTIONS.withFaultPolicy(new FaultPolicy.Stall(Duration.ofMillis(20))));
        assertThat(fixture.translate(0x10_0000, 1, Access.READ)).isEqualTo(Outcome.STALLED);
        long begin = System.nanoTime();
        assertThat(fixture.reader.awaitMapped()).isFalse();
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
        assertThat(fixture.space.faults().take()).extracting(FaultRecord::reason)
                .containsExactly(FaultReason.NOT_MAPPED, FaultReason.TIMEOUT);
    }

    @Test
    void anAccessThatFaultsInsteadOfStallingIsNotWorthAWait() {
        SpaceFixture fixture = new SpaceFixture(OPTIONS);
        assertThat(fixture.reason(0x10_0000, 1, Access.READ)).isEqualTo(FaultReason.NOT_MAPPED);
        assertThat(fixture.reader.awaitMapped()).isFalse();
    }

    /** What ends a stall long before its time. */
    enum End {
        QUEUE_STOPS,
        SPACE_IS_DETACHED
    }

    @ParameterizedTest
    @EnumSource(End.class)
    void aStalledAccessIsGivenUpWhen(End end) throws InterruptedException {
        IoSpace space = IoSpace.open(OPTIONS.withFaultPolicy(new FaultPolicy.Stall(Duration.ofSeconds(60))));
        AtomicReference<Boolean> worthIt = new AtomicReference<>();
        Thread device = new Thread(() -> {
            try (Reader reader = space.openReader()) {
                try (var _ = reader.enter()) {
                    reader.translate(0x10_0000, 1, Access.READ, new TargetRuns());
                }
                worthIt.set(reader.awaitMapped());
            }
        });
        device.start();
        while (space.stalled() == 0) {
            if (Thread.interrupted()) throw new InterruptedException("nothing stalls");
            Thread.onSpinWait();
        }
        switch (end) {
            case QUEUE_STOPS -> space.abortStalls();
            case SPACE_IS_DETACHED -> space.detach();
        }
        device.join();
        assertThat(worthIt).hasValue(false);
        assertThat(space.mappings()).as("it keeps no lock").isEmpty();
        assertThat(space.faults().count(FaultReason.TIMEOUT)).isZero();
    }

    @Test
    void freedAddressesRestBeforeTheyAreUsedAgain() throws MapException {
        SpaceFixture fixture = new SpaceFixture(OPTIONS.withQuarantine(8 * KIB4));
        Mapping first = fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
        fixture.space.unmap(first);
        for (int i = 0; i < 8; i++) {
            Mapping next = fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE,
                    OWNER);
            assertThat(next.iova()).isNotEqualTo(first.iova());
            // A late access faults, with the former mapping in its record.
            FaultRecord fault = fixture.fault(first.iova(), 1, Access.READ);
            assertThat(fault.reason()).isEqualTo(FaultReason.AFTER_UNMAP);
            assertThat(present(fault.last()).id()).isEqualTo(first.id());
            fixture.space.unmap(next);
        }
        Mapping again = fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
        assertThat(again.iova()).isEqualTo(first.iova());
    }

    @Test
    void optionsThatContradictThemselvesAreRefused() {
        assertThatThrownBy(() -> OPTIONS.withAddressMask(0xff_f000)).hasMessageContaining("not of the form 2^n - 1");
        assertThatThrownBy(() -> OPTIONS.withAddressMask(0xfff)).hasMessageContaining("above the address mask");
        assertThatThrownBy(() -> IoSpaceOptions.of("x", new AddressRange(0, 4094)))
                .hasMessageContaining("does not begin and end at a page");
        assertThatThrownBy(() -> IoSpace.open(IoSpaceOptions.of("x", new AddressRange(0, -1))))
                .hasMessageContaining("57 bits of a radix table");
        assertThatThrownBy(() -> OPTIONS.withUnmapBound(Duration.ofNanos(-1))).hasMessageContaining("unmap bound");
        assertThatThrownBy(() -> OPTIONS.withMaxMappings(0)).hasMessageContaining("0 mappings at most");
        assertThatThrownBy(() -> new Placement(3, 0)).hasMessageContaining("powers of two");
        assertThatThrownBy(() -> new Placement(1, 12)).hasMessageContaining("powers of two");
    }
}
