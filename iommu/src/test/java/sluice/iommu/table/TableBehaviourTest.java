package sluice.iommu.table;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What both tables do, and what only a tree does. */
class TableBehaviourTest {
    private static final long SEED = 20261121;
    private static final long KIB4 = 4096;
    private static final long MIB2 = 1L << 21;
    private static final long GIB1 = 1L << 30;
    private static final long RW = Entry.flags(Permission.READ_WRITE);

    private final TargetRuns runs = new TargetRuns();

    static Stream<Table> tables() {
        return Stream.of(new FlatTable(AddressRange.of(0, 1L << 32)), new RadixTable(32, PageSizes.SMALL),
                new RadixTable(32, PageSizes.X86), new RadixTable(48, PageSizes.X86),
                new RadixTable(57, new PageSizes(KIB4 | MIB2)));
    }

    private static void map(Table table, long iova, long target, long length, long flags) {
        assertThat(table.map(iova, TargetRuns.of(target, length), 0, 1, flags, Long.MAX_VALUE)).isTrue();
    }

    private static void clear(Table table, long first, long length) {
        table.clear(first, first + length - 1, 0, -1);
    }

    @ParameterizedTest
    @MethodSource("tables")
    void anEmptyTableFindsNothing(Table table) {
        for (long iova : new long[]{ 0, KIB4, MIB2 - 1, GIB1, (1L << 32) - 1, 1L << 32, 1L << 39, 1L << 56,
                Long.MIN_VALUE,
                -1 }) {
            assertThat(table.entry(iova)).isZero();
            assertThat(table.target(iova, Entry.READ)).isEqualTo(Targets.NONE);
            assertThat(table.walk(iova, 1, Entry.READ, runs)).isZero();
            assertThat(table.give(iova, 0, Entry.DIRTY)).isFalse();
        }
        assertThat(runs.count()).isZero();
    }

    @ParameterizedTest
    @MethodSource("tables")
    void aLargeStretchIsOneRunWhateverItsPages(Table table) {
        // From the middle of a middle page to the middle of another, over a large one: every size there is.
        long iova = GIB1 - MIB2 - 5 * KIB4;
        long length = GIB1 + 3 * MIB2 + 9 * KIB4;
        map(table, iova, 7 * KIB4, length, RW);
        assertThat(table.walk(iova + 3, length - 10, Entry.WRITE, runs)).isEqualTo(length - 10);
        assertThat(runs.toString()).isEqualTo("[0x7003+" + (length - 10) + "]");
        for (long at : new long[]{ 0, KIB4 * 5, KIB4 * 5 + MIB2, MIB2 + 5 * KIB4 + 12_345, length - 1 }) {
            assertThat(table.target(iova + at, Entry.READ)).isEqualTo(7 * KIB4 + at);
        }
        assertThat(table.target(iova - 1, Entry.READ)).isEqualTo(Targets.NONE);
        assertThat(table.target(iova + length, Entry.READ)).isEqualTo(Targets.NONE);
        runs.clear();
        assertThat(table.walk(iova + 3, length, Entry.WRITE, runs)).as("up to its end").isEqualTo(length - 3);
    }

    @ParameterizedTest
    @MethodSource("tables")
    void aHoleInALargePageLeavesItsSurroundings(Table table) {
        map(table, 0, 0, 2 * GIB1, RW);
        table.clear(GIB1 + MIB2 + KIB4, GIB1 + MIB2 + 2 * KIB4 - 1, GIB1 + MIB2 + KIB4, GIB1 + MIB2 + 2 * KIB4 - 1);
        assertThat(table.walk(0, 2 * GIB1, Entry.READ, runs)).isEqualTo(GIB1 + MIB2 + KIB4);
        runs.clear();
        long rest = 2 * GIB1 - (GIB1 + MIB2 + 2 * KIB4);
        assertThat(table.walk(2 * GIB1 - rest, rest, Entry.READ, runs)).isEqualTo(rest);
        assertThat(runs.toString()).isEqualTo("[0x%x+%d]".formatted(2 * GIB1 - rest, rest));
    }

    @ParameterizedTest
    @MethodSource("tables")
    void bitsThatNeedAttentionTakeThePageFromTheFastPath(Table table) {
        map(table, MIB2, 0, MIB2, RW);
        table.change(MIB2, 2 * MIB2 - 1, 0, Entry.ARMED);
        assertThat(table.target(MIB2, Entry.READ)).isEqualTo(Targets.NONE);
        assertThat(table.target(MIB2 + 5, Entry.granted(Access.WRITE))).isEqualTo(5);
        table.change(MIB2, 2 * MIB2 - 1, Entry.ARMED, Entry.TRACKED);
        assertThat(table.target(MIB2, Entry.READ)).isZero();
        assertThat(table.target(MIB2, Entry.WRITE)).isEqualTo(Targets.NONE);
        long before = table.entry(MIB2);
        assertThat(table.give(MIB2, before, Entry.DIRTY)).isTrue();
        assertThat(table.give(MIB2, before, Entry.DIRTY)).as("it is not that entry any more").isFalse();
        assertThat(table.target(MIB2, Entry.WRITE)).isZero();
        List<Long> dirty = new ArrayList<>();
        table.dirty(MIB2, 2 * MIB2 - 1, true, (iova, length) -> dirty.add(iova));
        assertThat(dirty).containsExactly(MIB2);
        assertThat(table.target(MIB2, Entry.WRITE)).isEqualTo(Targets.NONE);
        table.dirty(MIB2, 2 * MIB2 - 1, true, (iova, length) -> dirty.add(iova));
        assertThat(dirty).hasSize(1);
    }

    /** generic_pt: the check for leaked table memory at the end of each test. */
    @Test
    void aTreeGivesItsNodesBack() {
        RadixTable table = new RadixTable(48, PageSizes.X86);
        long empty = table.room();
        long[] places = { 0, MIB2 - KIB4, GIB1 - KIB4, (1L << 39) - KIB4, 1L << 47 };
        for (long place : places) map(table, place, 0, 2 * KIB4, RW);
        assertThat(table.room()).isGreaterThan(empty + 10 * 512);
        for (int i = 0; i < places.length; i++) {
            // Those before are gone already.
            table.clear(places[i], places[i] + 2 * KIB4 - 1, 0, i + 1 < places.length ? places[i + 1] - 1 : -1);
            assertThat(table.target(places[i], Entry.READ)).isEqualTo(Targets.NONE);
            if (i + 1 < places.length) assertThat(table.target(places[i + 1], Entry.READ)).isZero();
        }
        assertThat(table.room()).isEqualTo(empty);
        map(table, 0, 0, 3 * GIB1, RW);
        clear(table, 0, 3 * GIB1);
        assertThat(table.room()).isEqualTo(empty);
    }

    /** generic_pt increase_level: addresses of every level of the tree, up to the widest. */
    @Test
    void increaseLevel() {
        RadixTable table = new RadixTable(57, PageSizes.X86);
        List<Long> places = new ArrayList<>();
        for (int bits = 12; bits < 57; bits++) places.add(1L << bits);
        places.add((1L << 57) - KIB4);
        for (int i = 0; i < places.size(); i++) map(table, places.get(i), (i + 1L) * 16 * KIB4, KIB4, RW);
        for (int i = 0; i < places.size(); i++) {
            assertThat(table.target(places.get(i) + 9, Entry.WRITE)).isEqualTo((i + 1L) * 16 * KIB4 + 9);
        }
        assertThat(table.target(1L << 57, Entry.READ)).isEqualTo(Targets.NONE);
    }

    @Test
    void clearingEverythingCostsANewRoot() {
        RadixTable table = new RadixTable(48, PageSizes.SMALL);
        long empty = table.room();
        for (int i = 0; i < 1000; i++) map(table, i * 37L * MIB2, 0, KIB4, RW);
        table.clearAll();
        assertThat(table.room()).isEqualTo(empty);
        assertThat(table.target(37 * MIB2, Entry.READ)).isEqualTo(Targets.NONE);
    }

    @Test
    void whatATreeCostsIsWhatItHasRoomForAndNothingIsLeftOfIt() {
        Random random = new Random(SEED);
        for (PageSizes sizes : List.of(PageSizes.SMALL, PageSizes.X86)) {
            RadixTable table = new RadixTable(48, sizes);
            long empty = table.room();
            NavigableMap<Long, Long> mapped = new TreeMap<>();
            for (int step = 0; step < 4000; step++) {
                long unit = random.nextBoolean() ? KIB4 : MIB2;
                long iova = random.nextInt(4) * (1L << 39) + random.nextInt(4) * GIB1 + random.nextInt(512) * unit;
                long length = (1 + random.nextInt(random.nextInt(8) == 0 ? 600 : 3)) * unit;
                Map.Entry<Long, Long> below = mapped.lowerEntry(iova + length);
                if (below == null || below.getKey() + below.getValue() <= iova) {
                    map(table, iova, 0, length, RW);
                    mapped.put(iova, length);
                } else {
                    remove(table, mapped, below.getKey(), random.nextInt(4) == 0);
                }
                if (sizes.equals(PageSizes.SMALL))
                    assertThat(table.bytes()).as("step %d, seed %d", step, SEED).isEqualTo(8 * (table.room() - empty));
            }
            assertThat(mapped).isNotEmpty();
            while (!mapped.isEmpty())
                remove(table, mapped, mapped.firstKey(), false);
            assertThat(table.bytes()).as("seed %d", SEED).isZero();
            assertThat(table.room()).isEqualTo(empty);
        }
    }

    /** Removes a mapping, or its first page. */
    private static void remove(RadixTable table, NavigableMap<Long, Long> mapped, long iova, boolean part) {
        long whole = Objects.requireNonNull(mapped.remove(iova));
        long length = part ? KIB4 : whole;
        if (length < whole) mapped.put(iova + length, whole - length);
        Map.Entry<Long, Long> below = mapped.lowerEntry(iova);
        Long above = mapped.ceilingKey(iova + length);
        table.clear(iova, iova + length - 1, below == null ? 0 : below.getKey() + below.getValue(),
                above == null ? -1 : above - 1);
    }

    @Test
    void aTreeStopsWhereItMayNotGrow() {
        RadixTable table = new RadixTable(48, PageSizes.X86);
        long most = 1 << 20;
        long at = 0;
        while (table.map(at, TargetRuns.of(0, KIB4), 0, 1, RW, most))
            at += GIB1;
        assertThat(table.bytes()).isLessThanOrEqualTo(most).isGreaterThan(most - 20_000);
        assertThat(table.target(at - GIB1, Entry.READ)).isZero();
        assertThat(table.target(at, Entry.READ)).isEqualTo(Targets.NONE);
        table.clearAll();
        assertThat(table.bytes()).isZero();
        // Each page of 1 GiB is a node, too.
        assertThat(table.map(0, TargetRuns.of(0, 1L << 47), 0, 1, RW, most)).isFalse();
        assertThat(table.bytes()).isLessThanOrEqualTo(most);
        table.clear(0, (1L << 47) - 1, 0, -1);
        assertThat(table.bytes()).isZero();
    }

    @Test
    void largePagesAreUsedWhereTheyFitAndAllowed() {
        RadixTable large = new RadixTable(48, PageSizes.X86);
        long empty = large.room();
        map(large, 4 * GIB1, 12_345 * KIB4, GIB1, RW);
        assertThat(large.room() - empty).as("one node for the stretch of 512 GiB").isEqualTo(512);
        map(large, 8 * GIB1, 12_345 * KIB4, GIB1 - MIB2, RW);
        assertThat(large.room() - empty).as("and one for the pages of 2 MiB").isEqualTo(1024);
        assertThat(large.target(4 * GIB1 + 3 * MIB2 + 17, Entry.READ)).isEqualTo(12_345 * KIB4 + 3 * MIB2 + 17);
        RadixTable small = new RadixTable(48, PageSizes.SMALL);
        map(small, 4 * GIB1, 12_345 * KIB4, MIB2, RW);
        assertThat(small.room() - empty).isEqualTo(3 * 512);
    }

    @Test
    void refusesSizesItCannotHave() {
        assertThatThrownBy(() -> new FlatTable(AddressRange.of(0, (1L << 32) + KIB4)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("is larger");
        assertThatThrownBy(() -> new FlatTable(new AddressRange(0, -1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RadixTable(58, PageSizes.SMALL)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("58 bits");
    }

    /** What the fast path looks at follows from what is granted and from what needs attention. */
    @Test
    void fastBitsFollowFromTheOthers() {
        long attention = Entry.ARMED | Entry.TRACKED | Entry.DIRTY;
        for (Permission permission : Permission.values()) {
            for (long bits = 0; bits <= attention; bits++) {
                if ((bits & ~attention) != 0) continue;
                long entry = Entry.settled(Entry.flags(permission) | bits);
                boolean armed = (bits & Entry.ARMED) != 0;
                boolean clean = (bits & (Entry.TRACKED | Entry.DIRTY)) == Entry.TRACKED;
                for (Access access : Access.values()) {
                    boolean expected = permission.allows(access) && !armed && !(access == Access.WRITE && clean);
                    assertThat(Entry.has(entry, Entry.need(access))).isEqualTo(expected);
                    assertThat(Entry.grants(entry, access)).isEqualTo(permission.allows(access));
                }
            }
        }
    }
}
