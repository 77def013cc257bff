package sluice.iommu;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Lookups in a table of ranges, against a walk over all of them. */
class RangeMapTest {
    private static final long SEED = 20260102;

    private final Random random = new Random(SEED);

    private record Entry(AddressRange range, int value) {}

    /** Disjoint ranges in no order: some touch the one before, some leave a hole, some are one address long. */
    private List<Entry> layout() {
        List<Entry> entries = new ArrayList<>();
        long at = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> Long.MAX_VALUE - random.nextInt(500);
            case 2 -> -1L - random.nextInt(500);
            default -> random.nextLong();
        };
        int wanted = random.nextInt(40);
        for (int i = 0; i < wanted; i++) {
            long hole = random.nextInt(3) == 0 ? 0 : random.nextInt(20);
            long first = at + hole;
            if (Long.compareUnsigned(first, at) < 0) break;
            long last = first + (random.nextInt(4) == 0 ? 0 : random.nextInt(50));
            // The last range of a table that reaches the end of the space ends with it.
            boolean end = Long.compareUnsigned(last, first) < 0 || last == -1;
            entries.add(new Entry(new AddressRange(first, end ? -1 : last), i));
            if (end) break;
            at = last + 1;
        }
        Collections.shuffle(entries, random);
        return entries;
    }

    private static @Nullable Entry search(List<Entry> entries, long address) {
        for (Entry entry : entries) {
            if (Long.compareUnsigned(entry.range.first(), address) <= 0
                    && Long.compareUnsigned(address, entry.range.last()) <= 0) {
                return entry;
            }
        }
        return null;
    }

    @Test
    void findsWhatASearchOfAllRangesFinds() {
        int found = 0;
        int reachingTheEnd = 0;
        for (int round = 0; round < 3_000; round++) {
            List<Entry> entries = layout();
            RangeMap<Entry> map = RangeMap.of(entries, Entry::range);
            assertThat(map.size()).isEqualTo(entries.size());
            List<Long> probes = new ArrayList<>(List.of(0L, -1L, Long.MIN_VALUE, random.nextLong()));
            for (Entry entry : entries) {
                probes.addAll(List.of(entry.range.first() - 1, entry.range.first(), entry.range.last(),
                        entry.range.last() + 1, entry.range.first() + random.nextInt(60)));
                if (entry.range.last() == -1) reachingTheEnd++;
            }
            for (long probe : probes) {
                Entry expected = search(entries, probe);
                assertThat(map.at(probe)).as("seed %d, round %d: 0x%x in %s", SEED, round, probe, entries)
                        .isSameAs(expected);
                if (expected != null) found++;
            }
        }
        assertThat(found).as("probes that hit a range").isGreaterThan(50_000);
        assertThat(reachingTheEnd).as("ranges that end at 2^64 - 1").isGreaterThan(100);
    }

    @Test
    void listsItsValuesInTheOrderOfTheirAddresses() {
        for (int round = 0; round < 500; round++) {
            List<Entry> entries = layout();
            List<Entry> sorted = new ArrayList<>(entries);
            sorted.sort((a, b) -> Long.compareUnsigned(a.range.first(), b.range.first()));
            assertThat(RangeMap.of(entries, Entry::range).values()).isEqualTo(sorted);
        }
    }

    @Test
    void refusesRangesThatShareAnAddressAndNamesBoth() {
        int refused = 0;
        for (int round = 0; round < 2_000; round++) {
            List<Entry> entries = layout();
            if (entries.isEmpty()) continue;
            AddressRange victim = entries.get(random.nextInt(entries.size())).range;
            long shared = victim.first() + (victim.last() == victim.first() ? 0 : random.nextInt(2));
            // One address, so that it overlaps exactly one range, on either side of it in the order.
            AddressRange intruder = new AddressRange(shared, shared);
            entries.add(random.nextInt(entries.size() + 1), new Entry(intruder, -1));
            assertThatThrownBy(() -> RangeMap.of(entries, Entry::range)).as("seed %d, round %d", SEED, round)
                    .isInstanceOf(IllegalArgumentException.class).hasMessageMatching("ranges .* and .* overlap")
                    .hasMessageContaining(victim.toString()).hasMessageContaining(intruder.toString());
            refused++;
        }
        assertThat(refused).isGreaterThan(1_500);
    }

    @Test
    void refusesALargeRangeAroundSmallOnes() {
        List<AddressRange> ranges = List.of(new AddressRange(50, 60), new AddressRange(10, 20),
                new AddressRange(0, -1));
        assertThatThrownBy(() -> RangeMap.of(ranges, range -> range))
                .hasMessage("ranges [0x0, 0xffffffffffffffff] and [0xa, 0x14] overlap");
    }

    @Test
    void acceptsNeighboursThatTouch() {
        List<AddressRange> ranges = List.of(new AddressRange(8, -1), new AddressRange(0, 3), new AddressRange(4, 7));
        RangeMap<AddressRange> map = RangeMap.of(ranges, range -> range);
        assertThat(map.at(3)).isEqualTo(ranges.get(1));
        assertThat(map.at(4)).isEqualTo(ranges.get(2));
        assertThat(map.at(7)).isEqualTo(ranges.get(2));
        assertThat(map.at(8)).isEqualTo(ranges.get(0));
        assertThat(map.at(-1)).isEqualTo(ranges.get(0));
    }

    @Test
    void anEmptyTableKnowsNothing() {
        RangeMap<String> map = RangeMap.empty();
        assertThat(map.size()).isZero();
        assertThat(map.values()).isEmpty();
        assertThat(map.at(0)).isNull();
        assertThat(map.at(-1)).isNull();
    }
}
