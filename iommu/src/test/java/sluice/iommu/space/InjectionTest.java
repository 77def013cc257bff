package sluice.iommu.space;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.MIB2;
import static sluice.iommu.space.SpaceFixture.OWNER;

/** Faults on purpose: what each rule does, and that its end leaves no trace. */
class InjectionTest {
    private static SpaceFixture open(TableKind kind) {
        return new SpaceFixture(IoSpaceOptions.of("space", AddressRange.of(0, 1 << 26)).withTable(kind));
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void denyStrikesTheRangeAndTheAccessItSays(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(MIB2, MIB2, MIB2); // one large page, where there are any
        fixture.space.inject(
                new Rule.Deny("no writes", AddressRange.of(MIB2 + 3 * KIB4, KIB4), Access.WRITE, Occurrences.nth(2)));
        fixture.map(2 * MIB2, 2 * MIB2, KIB4);
        // Reads go on, and writes beside it, and the first write.
        assertThat(fixture.runs(MIB2, MIB2 + KIB4, Access.READ)).isEqualTo("[0x200000+2101248]");
        assertThat(fixture.runs(MIB2, 3 * KIB4, Access.WRITE)).isEqualTo("[0x200000+12288]");
        assertThat(fixture.runs(MIB2, MIB2, Access.WRITE)).isEqualTo("[0x200000+2097152]");
        FaultRecord fault = fixture.fault(MIB2, MIB2, Access.WRITE);
        assertThat(fault.reason()).isEqualTo(FaultReason.DENIED);
        assertThat(fault.iova()).isEqualTo(MIB2 + 3 * KIB4);
        assertThat(fault.rule()).isEqualTo("no writes");
        assertThat(fixture.translate(MIB2, MIB2, Access.WRITE)).as("the third").isEqualTo(Outcome.RESOLVED);
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void aPoisonedPageFaultsUntilTheRuleIsGone(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(0, 0, 8 * KIB4);
        fixture.space.inject(new Rule.Poison("bad page", AddressRange.of(2 * KIB4, KIB4)));
        fixture.space.inject(new Rule.Poison("another", AddressRange.of(5 * KIB4, KIB4)));
        assertThat(fixture.fault(0, 8 * KIB4, Access.READ)).satisfies(fault -> {
            assertThat(fault.reason()).isEqualTo(FaultReason.POISONED);
            assertThat(fault.iova()).isEqualTo(2 * KIB4);
            assertThat(fault.rule()).isEqualTo("bad page");
        });
        assertThat(fixture.space.withdraw("bad page")).isTrue();
        assertThat(fixture.fault(0, 8 * KIB4, Access.READ).iova()).isEqualTo(5 * KIB4);
        assertThat(fixture.space.withdraw("another")).isTrue();
        assertThat(fixture.space.withdraw("another")).isFalse();
        assertThat(fixture.translate(0, 8 * KIB4, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
        try (var _ = fixture.reader.enter()) {
            assertThat(fixture.reader.target(2 * KIB4, Access.WRITE)).as("the fast path is back").isEqualTo(2 * KIB4);
        }
    }

    /** What is mapped into a rule's range later is under it too, and so is a mapping that is moved. */
    @Test
    void aRuleSeesWhatIsMappedLater() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        fixture.space.inject(new Rule.Poison("all", new AddressRange(0, -1)));
        Mapping mapping = fixture.map(0, 0, KIB4);
        assertThat(fixture.reason(0, 1, Access.READ)).isEqualTo(FaultReason.POISONED);
        fixture.space.move(mapping, TargetRuns.of(KIB4, KIB4));
        assertThat(fixture.reason(0, 1, Access.READ)).isEqualTo(FaultReason.POISONED);
        assertThat(fixture.reason(KIB4, 1, Access.READ)).as("nothing is there").isEqualTo(FaultReason.NOT_MAPPED);
        fixture.space.withdraw("all");
        assertThat(fixture.target(0)).isEqualTo(KIB4);
    }

    /** As an exporter does it, in the middle of a device's work. */
    @ParameterizedTest
    @EnumSource(value = TableKind.class, names = { "FLAT", "RADIX" })
    void aMappingIsRevokedWhileItIsInUse(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        Mapping mapping = fixture.map(0, 0, 4 * KIB4);
        fixture.map(4 * KIB4, 8 * KIB4, KIB4);
        fixture.space.inject(new Rule.Revoke("gone", new AddressRange(0, -1), Access.WRITE, Occurrences.nth(2)));
        assertThat(fixture.translate(0, 1, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.translate(0, 1, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.fault(KIB4, 1, Access.WRITE)).satisfies(fault -> {
            assertThat(fault.reason()).isEqualTo(FaultReason.REVOKED);
            assertThat(fault.rule()).isEqualTo("gone");
        });
        assertThat(fixture.reason(0, 1, Access.READ)).as("all of it, and for all").isEqualTo(FaultReason.REVOKED);
        assertThat(fixture.translate(4 * KIB4, 1, Access.WRITE)).as("another mapping").isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.space.struck("gone")).isEqualTo(1);
        assertThat(fixture.space.struckAt("gone")).isEqualTo(2);
        fixture.space.move(mapping, TargetRuns.of(16 * KIB4, 4 * KIB4));
        assertThat(fixture.target(KIB4)).as("led to memory again").isEqualTo(17 * KIB4);
        assertThat(fixture.space.unmap(mapping).bytes()).isEqualTo(4 * KIB4);
        assertThat(fixture.reason(0, 1, Access.READ)).isEqualTo(FaultReason.AFTER_UNMAP);
    }

    /** Whoever looks addresses up for somebody else is no device. */
    @Test
    void anExemptReaderIsNotSeenByRules() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        fixture.map(0, 0, KIB4);
        fixture.space.inject(new Rule.Deny("second", new AddressRange(0, -1), null, Occurrences.nth(2)));
        try (Reader exempt = fixture.space.openReader().exemptFromRules()) {
            for (int i = 0; i < 3; i++) {
                try (var _ = exempt.enter()) {
                    assertThat(exempt.translate(0, 1, Access.READ, new TargetRuns())).isEqualTo(Outcome.RESOLVED);
                }
            }
        }
        assertThat(fixture.translate(0, 1, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.reason(0, 1, Access.READ)).isEqualTo(FaultReason.DENIED);
    }

    @Test
    void aMapFailsWithTheErrnoOfItsRule() {
        SpaceFixture fixture = open(TableKind.FLAT);
        fixture.space.inject(new Rule.FailMap("full", Occurrences.nth(1), 0, 28));
        assertThatThrownBy(() -> fixture.map(0, 0, KIB4)).isInstanceOfSatisfying(MapException.class,
                refused -> assertThat(refused.errno()).isEqualTo(28)).hasMessageContaining("by rule full");
    }

    @Test
    void aDelayMakesAnAccessLate() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        fixture.map(0, 0, KIB4);
        fixture.space.inject(new Rule.Delay("slow", AddressRange.of(0, KIB4), null, Occurrences.nth(1),
                Duration.ofMillis(30)));
        long begin = System.nanoTime();
        assertThat(fixture.translate(0, 16, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(Duration.ofMillis(30).toNanos());
        assertThat(fixture.translate(0, 16, Access.READ)).isEqualTo(Outcome.RESOLVED);
    }

    /** A picture of 2,025 pages, which would be held up for 40 s, and with it whatever else its thread has to do. */
    @Test
    @Timeout(value = 20, unit = TimeUnit.SECONDS)
    void aLongAccessIsNotDelayedByEachOfItsPages() throws MapException {
        SpaceFixture fixture = open(TableKind.RADIX);
        fixture.map(0, 0, 2025 * KIB4);
        fixture.space.inject(new Rule.Delay("slow", AddressRange.of(0, 2025 * KIB4), null, Occurrences.ALWAYS,
                Duration.ofMillis(20)));
        long begin = System.nanoTime();
        assertThat(fixture.translate(0, 2025 * KIB4, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(DelayBudget.MAX_NANOS);
    }

    /** A delay above the bound of an unmap: the way to see what a device does when it is given up on. */
    @Test
    void aDelayedReaderIsGivenUpOn() throws MapException, InterruptedException {
        IoSpace space = IoSpace.open(IoSpaceOptions.of("space", AddressRange.of(0, 1 << 24))
                .withUnmapBound(Duration.ofMillis(20)));
        Mapping mapping = space.map(0, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
        space.inject(new Rule.Delay("stuck", AddressRange.of(0, KIB4), null, Occurrences.ALWAYS,
                Duration.ofSeconds(2)));
        Outcome[] outcome = new Outcome[1];
        Thread device = new Thread(() -> {
            try (Reader reader = space.openReader(); var _ = reader.enter()) {
                outcome[0] = reader.translate(0, 16, Access.READ, new TargetRuns());
            }
        });
        device.start();
        // Only the delay makes it wait.
        while (device.getState() != Thread.State.TIMED_WAITING) {
            if (Thread.interrupted()) throw new InterruptedException("the device does not wait");
            Thread.onSpinWait();
        }
        assertThat(space.unmap(mapping).overrun()).isEqualTo(1);
        device.join();
        assertThat(outcome[0]).isEqualTo(Outcome.FAULT);
        assertThat(space.faults().count(FaultReason.TIMEOUT)).isPositive();
    }

    /** fail_nth, after iommufd's selftests: the n-th map fails after some runs, and nothing of it is left. */
    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 7, 100 })
    void aMapThatFailsLeavesNothing(int afterRuns) throws MapException {
        for (TableKind kind : TableKind.values()) {
            SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("space", AddressRange.of(0, 1 << 26))
                    .withTable(kind).withPageSizes(PageSizes.SMALL));
            TargetRuns scattered = new TargetRuns();
            for (int i = 0; i < 20; i++) scattered.add(i * 2L * KIB4, KIB4);
            fixture.map(MIB2, 0, KIB4);
            IoSpaceStatistics before = fixture.space.statistics();
            fixture.space.inject(new Rule.FailMap("fail", Occurrences.nth(3), afterRuns));
            for (int n = 1; n <= 4; n++) {
                Placement placement = n % 2 == 0 ? Placement.aligned(MIB2) : Placement.ANYWHERE;
                MapException failure = catchThrowableOfType(MapException.class, () -> {
                    Mapping mapping = fixture.space.map(placement, scattered, Permission.READ_WRITE, OWNER);
                    fixture.space.unmap(mapping);
                });
                assertThat(failure != null).isEqualTo(n == 3);
                if (failure != null) {
                    assertThat(failure.refusal()).isEqualTo(Refusal.INJECTED);
                    assertThat(failure.errno()).isEqualTo(12);
                    assertThat(failure).hasMessageContaining("by rule fail");
                }
            }
            assertThat(fixture.space.statistics().mappings()).isEqualTo(before.mappings());
            assertThat(fixture.space.statistics().mappedBytes()).isEqualTo(before.mappedBytes());
            fixture.space.withdraw("fail");
            fixture.space.inject(new Rule.FailMap("fixed", Occurrences.nth(1), afterRuns));
            SpaceFixture.refused(Refusal.INJECTED, 12,
                    () -> fixture.space.map(MIB2 + KIB4, scattered, Permission.READ_WRITE, OWNER));
            for (int page = 0; page < 40; page++) {
                assertThat(fixture.reason(MIB2 + (1 + page) * KIB4, 1, Access.READ))
                        .isEqualTo(FaultReason.NOT_MAPPED);
            }
            assertThat(fixture.target(MIB2)).as("the neighbour").isZero();
            fixture.space.map(MIB2 + KIB4, scattered, Permission.READ_WRITE, OWNER);
        }
    }
}
