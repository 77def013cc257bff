package sluice.iommu.space;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.epoch.OtherThread;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.iommu.space.SpaceFixture.GIB1;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.MIB2;
import static sluice.iommu.space.SpaceFixture.OWNER;
import static sluice.iommu.space.SpaceFixture.refused;

/** Mappings that are revoked, moved, split and left behind. */
class LifecycleTest {
    private static SpaceFixture open(TableKind kind) {
        return new SpaceFixture(IoSpaceOptions.of("space", AddressRange.of(0, 1 << 26)).withTable(kind));
    }

    /** iommufd's model of a revoked dma-buf: out of the table, but its addresses stay its own. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void aRevokedMappingKeepsItsAddresses(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        Mapping mapping = fixture.map(MIB2, 0, MIB2);
        Unmapped taken = fixture.space.revoke(mapping);
        assertThat(taken.bytes()).isEqualTo(MIB2);
        assertThat(taken.mappings()).containsExactly(mapping);
        assertThat(mapping.state()).isEqualTo(Mapping.State.REVOKED);
        assertThat(mapping.pin()).isNull();
        assertThat(fixture.reason(MIB2, 1, Access.READ)).isEqualTo(FaultReason.REVOKED);
        assertThat(fixture.space.mappingAt(MIB2 + 5)).isSameAs(mapping);
        refused(Refusal.OVERLAP, 22, () -> fixture.map(MIB2 + KIB4, 0, KIB4));
        assertThat(fixture.space.revoke(mapping).bytes()).as("a second time").isZero();

        assertThat(fixture.space.move(mapping, TargetRuns.of(16 * MIB2, MIB2))).isZero();
        assertThat(mapping.state()).isEqualTo(Mapping.State.LIVE);
        assertThat(fixture.target(MIB2 + 5)).isEqualTo(16 * MIB2 + 5);

        fixture.space.revoke(mapping);
        assertThat(fixture.space.unmap(mapping).bytes()).isEqualTo(MIB2);
        assertThat(fixture.reason(MIB2, 1, Access.READ)).isEqualTo(FaultReason.AFTER_UNMAP);
        refused(Refusal.GONE, 2, () -> fixture.space.revoke(mapping));
        refused(Refusal.GONE, 2, () -> fixture.space.move(mapping, TargetRuns.of(0, MIB2)));
        assertThat(fixture.space.unmap(mapping).bytes()).isZero();
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void aMappingMovesToPagesOfAnyShape(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        Mapping mapping = fixture.map(MIB2, 0, 2 * MIB2, Permission.READ_ONLY);
        TargetRuns scattered = new TargetRuns();
        for (int i = 0; i < 1024; i++) scattered.add((i + 1) * 2L * KIB4, KIB4);
        fixture.space.move(mapping, scattered);
        assertThat(fixture.runs(MIB2, 2 * MIB2, Access.READ)).isEqualTo(scattered.toString());
        assertThat(fixture.reason(MIB2, 1, Access.WRITE)).as("as before").isEqualTo(FaultReason.PERM_WRITE);
        fixture.space.move(mapping, TargetRuns.of(64 * MIB2, 2 * MIB2));
        assertThat(fixture.runs(MIB2, 2 * MIB2, Access.READ)).isEqualTo("[0x8000000+4194304]");
        refused(Refusal.UNSUITABLE, 22, () -> fixture.space.move(mapping, TargetRuns.of(0, MIB2)));
        refused(Refusal.MISALIGNED, 22, () -> fixture.space.move(mapping, TargetRuns.of(5, 2 * MIB2)));
        assertThat(fixture.target(MIB2)).as("nothing was changed").isEqualTo(64 * MIB2);
    }

    /** Traces tell mappings apart by their numbers, the parts that a split leaves too. */
    @Test
    void theRestOfASplitIsTwoMappingsWithNumbersOfTheirOwn() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        List<Mapping> seen = new ArrayList<>();
        seen.add(fixture.map(0, 0, 16 * KIB4));
        fixture.space.unmap(AddressRange.of(4 * KIB4, KIB4), Splitting.ALLOWED);
        assertThat(fixture.space.statistics().unmaps()).isEqualTo(1);
        assertThat(fixture.space.mappings()).extracting(Mapping::range).containsExactly(AddressRange.of(0, 4 * KIB4),
                AddressRange.of(5 * KIB4, 11 * KIB4));
        seen.addAll(fixture.space.mappings());
        seen.add(fixture.map(32 * KIB4, 0, KIB4));
        assertThat(seen).hasSize(4).extracting(Mapping::id).doesNotHaveDuplicates();
    }

    /** A holder that only polls releases it as well. */
    @Timeout(20)
    @Test
    void noCallKeepsTheSpaceToItself() throws Exception {
        SpaceFixture fixture = open(TableKind.FLAT);
        IoSpace space = fixture.space;
        Mapping mapping = fixture.map(0, 0, KIB4);
        AddressRange page = AddressRange.of(0, KIB4);
        Rule rule = new Rule.FailMap("fail", Occurrences.ALWAYS, 1);
        List<SpaceFixture.MapAction> calls = List.of(() -> space.mappingAt(0), space::mappings, space::statistics,
                space::stalled, space::abortStalls, space::startDirtyTracking, () -> space.markDirty(page),
                () -> space.readDirty(page), () -> space.readAndClearDirty(page), space::stopDirtyTracking,
                () -> space.inject(rule), () -> space.withdraw("fail"), () -> fixture.reason(KIB4, 1, Access.READ),
                () -> space.move(mapping, TargetRuns.of(KIB4, KIB4)), () -> space.revoke(mapping),
                () -> space.unmap(mapping), () -> refused(Refusal.MISALIGNED, 22, () -> fixture.map(1, 0, KIB4)),
                () -> space.unmap(page, Splitting.REFUSED), space::detach);
        try (OtherThread other = new OtherThread()) {
            for (SpaceFixture.MapAction call : calls) {
                call.run();
                assertThat(other.call(space::mappings)).isEqualTo(space.mappings());
            }
        }
    }

    @Test
    void whatIsLeftMappedIsReported() throws MapException {
        SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("codec0", AddressRange.of(0, 1 << 26)).withSites());
        Mapping released = fixture.map(0, 0, KIB4);
        Mapping leaked = fixture.space.map(MIB2, TargetRuns.of(0, KIB4), Permission.READ_ONLY,
                new Owner(3, "buffer 3"));
        fixture.space.unmap(released);
        LeakReport report = fixture.space.detach();
        assertThat(report.mappings()).containsExactly(leaked);
        assertThat(report.toString()).startsWith("codec0: 1 mappings were left:")
                .contains("mapping 2, [0x200000, 0x200fff] READ_ONLY of buffer 3, made at ")
                .contains("LifecycleTest.whatIsLeftMappedIsReported");
        assertThat(fixture.reason(MIB2, 1, Access.READ)).isEqualTo(FaultReason.AFTER_UNMAP);
        assertThat(fixture.space.detach()).hasToString("codec0: nothing was left mapped");
        fixture.map(MIB2, 0, KIB4);
        assertThat(fixture.target(MIB2)).isZero();
    }

    @Test
    void addressesOfAMapThatFailedAreFreeAgain() throws MapException {
        IoSpace space = IoSpace.open(IoSpaceOptions.of("one page", AddressRange.of(KIB4, KIB4)));
        space.inject(new Rule.FailMap("fail", Occurrences.ALWAYS, 1));
        refused(Refusal.INJECTED, 12,
                () -> space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER));
        space.withdraw("fail");
        assertThat(space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER).iova())
                .isEqualTo(KIB4);
    }

    /** Each page costs a node of 4 KiB, two or three of them. */
    @ParameterizedTest
    @ValueSource(longs = { MIB2, GIB1, 1L << 39 })
    void aHostileGuestMapsPagesFarApartUpToALimit(long stride) throws MapException {
        SpaceFixture fixture = SpaceFixture.of(1L << 57);
        long mapped = 0;
        MapException refused = null;
        while (refused == null) {
            try {
                fixture.map(mapped * stride, mapped * KIB4, KIB4);
                mapped++;
            } catch (MapException full) {
                refused = full;
            }
        }
        assertThat(refused.refusal()).isEqualTo(Refusal.TABLE_FULL);
        assertThat(refused.errno()).isEqualTo(28);
        assertThat(refused).hasMessageContaining("larger than 16 MiB, which is the limit");
        assertThat(mapped).isBetween(1360L, 4096L);
        long next = mapped * stride;
        assertThat(fixture.reason(next, 1, Access.READ)).isEqualTo(FaultReason.NOT_MAPPED);
        for (long page = 0; page < mapped; page++) assertThat(fixture.target(page * stride)).isEqualTo(page * KIB4);

        for (long page = 0; page < 4; page++) fixture.unmap(page * stride, KIB4);
        fixture.map(next, 0, KIB4);
        assertThat(fixture.space.detach().mappings()).hasSize((int) mapped - 3);
        fixture.map(0, 0, 1L << 40);
        assertThat(fixture.target((1L << 40) - KIB4)).isEqualTo((1L << 40) - KIB4);
    }

    /** A front-end that maps all there is may get pages of 1 GiB for it, and those are nodes, too. */
    @Test
    void aMappingThatIsTooLargeForTheTableLeavesNothingBehind() throws MapException {
        SpaceFixture fixture = SpaceFixture.of(1L << 57);
        fixture.map(0, 0, KIB4);
        TargetRuns all = new TargetRuns();
        for (int i = 0; i < 32; i++) all.add(0, 1L << 51);
        refused(Refusal.TABLE_FULL, 28, () -> fixture.space.map(1L << 40, all, Permission.READ_WRITE, OWNER));
        assertThat(fixture.reason(1L << 40, 1, Access.READ)).isEqualTo(FaultReason.NOT_MAPPED);
        fixture.map(1L << 40, 0, 1L << 40);
        assertThat(fixture.target(1L << 40)).isZero();
    }

    @Test
    void aHostileGuestMapsUpToALimit() throws MapException {
        SpaceFixture fixture = new SpaceFixture(
                IoSpaceOptions.of("space", AddressRange.of(0, 1 << 26)).withMaxMappings(3));
        for (int i = 0; i < 3; i++) fixture.map(i * KIB4, 0, KIB4);
        refused(Refusal.TOO_MANY, 28, () -> fixture.map(MIB2, 0, KIB4));
        refused(Refusal.TOO_MANY, 28,
                () -> fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_ONLY, OWNER));
        fixture.unmap(0, KIB4);
        fixture.map(MIB2, 0, KIB4);
    }

    @Test
    void theSpaceFindsRoomOrSaysThatThereIsNone() throws MapException {
        SpaceFixture fixture = new SpaceFixture(
                IoSpaceOptions.of("space", AddressRange.of(0, 4 * MIB2)).withQuarantine(0));
        Mapping first = fixture.space.map(new Placement(MIB2, 2 * MIB2), TargetRuns.of(0, MIB2 + KIB4),
                Permission.READ_WRITE, OWNER);
        assertThat(first.iova() & (MIB2 - 1)).isZero();
        refused(Refusal.UNSUITABLE, 22, () -> fixture.space.map(new Placement(1, MIB2),
                TargetRuns.of(0, MIB2 + KIB4), Permission.READ_WRITE, OWNER));
        refused(Refusal.NO_ROOM, 28, () -> fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, 4 * MIB2),
                Permission.READ_WRITE, OWNER));
        fixture.space.unmap(first);
        assertThat(fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, 4 * MIB2), Permission.READ_WRITE, OWNER)
                .range()).isEqualTo(AddressRange.of(0, 4 * MIB2));
    }

    @Test
    void aMappingTellsWhatItIs() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        long before = System.nanoTime();
        Mapping mapping = fixture.map(MIB2, 0, KIB4);
        assertThat(mapping.createdNanos() - before).isNotNegative();
        assertThat(mapping.permission()).isEqualTo(Permission.READ_WRITE);
        assertThat(mapping.owner()).isEqualTo(OWNER);
        assertThat(mapping.site()).as("only if the space keeps it").isNull();
        assertThat(mapping).hasToString("mapping 1: [0x200000, 0x200fff] READ_WRITE of test, LIVE");
        IoSpaceStatistics statistics = fixture.space.statistics();
        assertThat(statistics).isEqualTo(new IoSpaceStatistics(1, 0, 1, KIB4, 0, 0, 0));
    }
}
