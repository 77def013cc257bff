package sluice.iommu.space;

import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.iommu.space.SpaceFixture.GIB1;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.MIB2;
import static sluice.iommu.space.SpaceFixture.OWNER;
import static sluice.iommu.space.SpaceFixture.refused;

/**
 * The behaviours that Linux's generic_pt KUnit tests name, on both tables. best_pgsize, pgsz_count and pgsize_boundary are
 * in PageSizesTest, random_map is SpaceOracleTest, increase_level and the leak check are in TableBehaviourTest.
 */
class GenericPageTableBehaviourTest {
    private static final long SEED = 20260409;

    private static SpaceFixture open(TableKind kind) {
        return new SpaceFixture(IoSpaceOptions.of("pt", AddressRange.of(0, 4 * GIB1)).withTable(kind));
    }

    /** unmap_split: a part of a large page; here nothing or just the part is removed, never the whole unasked. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void unmapSplit(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        for (long size : new long[]{ MIB2, GIB1 }) {
            Mapping mapping = fixture.map(size, 5 * KIB4, size);
            refused(Refusal.SPLIT, 34, () -> fixture.unmap(size, KIB4));
            assertThat(fixture.runs(size, size, Access.WRITE)).isEqualTo("[0x5000+" + size + "]");
            Unmapped removed = fixture.space.unmap(AddressRange.of(size + size / 2, KIB4), Splitting.ALLOWED);
            assertThat(removed.bytes()).isEqualTo(KIB4);
            assertThat(removed.mappings()).containsExactly(mapping);
            assertThat(fixture.space.mappings()).hasSize(2).extracting(Mapping::length).containsExactly(size / 2,
                    size / 2 - KIB4);
            assertThat(fixture.fault(size, size, Access.READ).iova()).isEqualTo(size + size / 2);
            assertThat(fixture.unmap(size, size)).isEqualTo(size - KIB4);
        }
        assertThat(fixture.space.detach().mappings()).isEmpty();
    }

    /** mixed: pages of all sizes in one mapping, its ends anywhere. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void mixed(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        long iova = MIB2 - 3 * KIB4;
        long length = 3 * KIB4 + (GIB1 - MIB2) + GIB1 + MIB2 + 7 * KIB4;
        TargetRuns targets = new TargetRuns();
        // A first run that ends at 1 GiB, a page that breaks the row, and a run that makes no large page possible.
        targets.add(iova, GIB1 - iova);
        targets.add(0x77_7777_7000L, KIB4);
        targets.add(0x11_1111_1000L, length - (GIB1 - iova) - KIB4);
        fixture.space.map(iova, targets, Permission.READ_ONLY, OWNER);
        assertThat(fixture.runs(iova, length, Access.READ)).isEqualTo(targets.toString());
        assertThat(fixture.reason(iova + length - 1, 1, Access.WRITE)).isEqualTo(FaultReason.PERM_WRITE);
        assertThat(fixture.unmap(0, 4 * GIB1)).isEqualTo(length);
        assertThat(fixture.reason(iova, 1, Access.READ)).isEqualTo(FaultReason.AFTER_UNMAP);
    }

    /** map_table_to_oa: small pages first, then a large one where the table of the small ones was. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void mapTableToOa(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        for (long size : new long[]{ MIB2, GIB1 }) {
            for (int page = 0; page < 10; page++) fixture.map(size + page * 3L * KIB4, page * 17L * KIB4, KIB4);
            refused(Refusal.OVERLAP, 22, () -> fixture.map(size, 0, size));
            assertThat(fixture.unmap(size, size)).isEqualTo(10 * KIB4);
            fixture.map(size, 3 * size, size);
            assertThat(fixture.runs(size + 1, size - 1, Access.READ))
                    .isEqualTo("[0x%x+%d]".formatted(3 * size + 1, size - 1));
            assertThat(fixture.unmap(size, size)).isEqualTo(size);
        }
    }

    /** dirty: each page reports a write once, whatever its size. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void dirty(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        AddressRange all = AddressRange.of(0, 4 * GIB1);
        fixture.map(0, 0, 16 * KIB4);
        fixture.map(MIB2, 0, MIB2);
        fixture.space.startDirtyTracking();
        fixture.map(GIB1, 0, KIB4); // mapped while it is on
        fixture.translate(3 * KIB4 + 5, 2 * KIB4, Access.WRITE);
        fixture.translate(9 * KIB4, KIB4, Access.READ);
        fixture.translate(MIB2 + 5, 1, Access.WRITE);
        fixture.translate(GIB1, 1, Access.WRITE);
        assertThat(fixture.space.readDirty(all).bytes()).isEqualTo(fixture.space.readDirty(all).bytes());
        DirtyPages pages = fixture.space.readAndClearDirty(all);
        long page = kind == TableKind.RADIX ? MIB2 : KIB4;
        assertThat(pages.ranges()).containsExactly(AddressRange.of(3 * KIB4, 3 * KIB4), AddressRange.of(MIB2, page),
                AddressRange.of(GIB1, KIB4));
        assertThat(pages.bytes()).isEqualTo(4 * KIB4 + page);
        assertThat(fixture.space.readAndClearDirty(all).ranges()).isEmpty();
        fixture.translate(3 * KIB4, 1, Access.WRITE);
        fixture.space.markDirty(AddressRange.of(7 * KIB4, 2 * KIB4));
        assertThat(fixture.space.readAndClearDirty(AddressRange.of(0, 8 * KIB4)).ranges())
                .containsExactly(AddressRange.of(3 * KIB4, KIB4), AddressRange.of(7 * KIB4, KIB4));
        assertThat(fixture.space.readAndClearDirty(all).ranges()).containsExactly(AddressRange.of(8 * KIB4, KIB4));
        fixture.space.stopDirtyTracking();
        fixture.translate(3 * KIB4, 1, Access.WRITE);
        fixture.space.markDirty(all);
        assertThat(fixture.space.readAndClearDirty(all).ranges()).isEmpty();
    }

    /** Single pages in random order, with a random page at a time taken out and put back. */
    @ParameterizedTest
    @EnumSource(TableKind.class)
    void singlePagesComeAndGo(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        Random random = new Random(SEED);
        long[] targets = new long[2048];
        for (int round = 0; round < 20_000; round++) {
            int page = random.nextInt(targets.length);
            long iova = GIB1 - 1024 * KIB4 + page * KIB4;
            if (targets[page] == 0) {
                targets[page] = random.nextLong(1, 1L << 40) * KIB4;
                fixture.map(iova, targets[page], KIB4);
            } else {
                assertThat(fixture.target(iova + 1)).isEqualTo(targets[page] + 1);
                assertThat(fixture.unmap(iova, KIB4)).isEqualTo(KIB4);
                targets[page] = 0;
            }
        }
    }

    /** The smallest page is the unit, even of what the table could do. */
    @Test
    void aGranuleIsTheUnit() {
        SpaceFixture fixture = new SpaceFixture(
                IoSpaceOptions.of("pt", AddressRange.of(0, GIB1)).withPageSizes(new PageSizes(MIB2)));
        refused(Refusal.MISALIGNED, 22, () -> fixture.map(KIB4, 0, MIB2));
        refused(Refusal.MISALIGNED, 22, () -> fixture.map(0, KIB4, MIB2));
        refused(Refusal.MISALIGNED, 22, () -> fixture.map(0, 0, MIB2 + KIB4));
        refused(Refusal.MISALIGNED, 22, () -> fixture.unmap(0, KIB4));
        refused(Refusal.MISALIGNED, 22,
                () -> fixture.space.map(0, new TargetRuns(), Permission.READ_ONLY, OWNER));
    }
}
