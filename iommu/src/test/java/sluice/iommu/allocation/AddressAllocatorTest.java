package sluice.iommu.allocation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.fault.Neighbour;

import static org.assertj.core.api.Assertions.assertThat;

/** The allocator against a set of single units, and its quarantine against a queue. */
class AddressAllocatorTest {
    private static final long SEED = 20260408;
    private static final Owner OWNER = new Owner(1, "test");

    private static Neighbour mapping(long id, AddressRange range) {
        return new Neighbour(id, range, OWNER);
    }

    private static AddressRange allocate(AddressAllocator allocator, long length, long alignment, long boundary) {
        AddressRange range = allocator.allocate(length, alignment, boundary);
        if (range == null) throw new AssertionError("no room for " + length);
        return range;
    }

    @Test
    void givesOutWhatIsFreeAlignedAndWithinBoundaries() {
        Random random = new Random(SEED);
        for (int round = 0; round < 30; round++) {
            int units = 4096;
            long base = round % 2 == 0 ? 1L << 40 : -units; // or up to the end of the space
            AddressRange reserved = AddressRange.of(base + 1000, 100);
            AddressAllocator allocator = new AddressAllocator(AddressRange.of(base, units), List.of(reserved), 0, 8);
            BitSet taken = new BitSet(units);
            taken.set(1000, 1100);
            List<AddressRange> live = new ArrayList<>();
            int full = 0;
            for (int i = 0; i < 2000; i++) {
                if (random.nextInt(5) < 2 && !live.isEmpty()) {
                    AddressRange back = live.remove(random.nextInt(live.size()));
                    taken.clear((int) (back.first() - base), (int) (back.last() - base) + 1);
                    allocator.release(back, mapping(i, back));
                    continue;
                }
                long length = random.nextLong(1, 201);
                long alignment = 1L << random.nextInt(8);
                long boundary = random.nextBoolean() ? 0 : Long.highestOneBit(length) << 1 << random.nextInt(3);
                AddressRange found = allocator.allocate(length, alignment, boundary);
                if (found == null) {
                    full++;
                    // It may miss a place that only just fits, never one with room to spare.
                    assertThat(longestFree(taken, units)).isLessThan((int) (2 * length + alignment));
                    continue;
                }
                assertThat(found.size()).isEqualTo(length);
                assertThat(found.first() & (alignment - 1)).isZero();
                if (boundary != 0) assertThat((found.first() ^ found.last()) & -boundary).isZero();
                int first = (int) (found.first() - base);
                int end = (int) (found.last() - base) + 1;
                assertThat(first).isNotNegative();
                assertThat(end).isLessThanOrEqualTo(units);
                assertThat(taken.nextSetBit(first)).satisfiesAnyOf(next -> assertThat(next).isNegative(),
                        next -> assertThat(next).isGreaterThanOrEqualTo(end));
                taken.set(first, end);
                live.add(found);
            }
            assertThat(full).as("the space was filled").isPositive();
        }
    }

    private static int longestFree(BitSet taken, int units) {
        int longest = 0;
        for (int at = taken.nextClearBit(0); at < units; at = taken.nextClearBit(at)) {
            int end = taken.nextSetBit(at);
            if (end < 0) end = units;
            longest = Math.max(longest, end - at);
            at = end;
        }
        return longest;
    }

    @Test
    void findsRoomAmongManyGapsThatDoNotFit() {
        // A thousand gaps that are long enough but all begin off their alignment, and one with no byte more than is sure to fit.
        AddressAllocator allocator = new AddressAllocator(AddressRange.of(0, 999 * 256 + 100 + 156 + 255), List.of(), 0,
                8);
        for (int i = 0; i < 1000; i++) allocator.take(AddressRange.of(i * 256L, 100));
        AddressRange found = allocate(allocator, 156, 256, 0);
        assertThat(found.first()).isEqualTo(256_000);
    }

    @Test
    void theWholeSpaceIsOneRange() {
        AddressAllocator allocator = new AddressAllocator(new AddressRange(0, -1), List.of(), 0, 8);
        AddressRange top = new AddressRange(-4096, -1);
        allocator.take(top);
        AddressRange found = allocate(allocator, 1L << 62, 1L << 62, 1L << 63);
        assertThat(found.size()).isEqualTo(1L << 62);
        allocator.release(top, mapping(1, top));
        allocator.release(found, mapping(2, found));
        assertThat(allocate(allocator, Long.MIN_VALUE, 1, 0).size()).isEqualTo(Long.MIN_VALUE);
    }

    @Test
    void withholdsFreedRangesFirstInFirstOut() {
        // As much is withheld as four ranges have.
        AddressAllocator allocator = new AddressAllocator(AddressRange.of(0, 1600), List.of(), 400, 8);
        ArrayDeque<AddressRange> order = new ArrayDeque<>();
        for (int i = 0; i < 16; i++) order.add(allocate(allocator, 100, 1, 0));
        for (int i = 0; i < 5; i++) {
            AddressRange range = order.removeFirst();
            allocator.release(range, mapping(i, range));
        }
        // Of five that were freed only the first is to be had.
        assertThat(allocate(allocator, 100, 1, 0)).isEqualTo(AddressRange.of(0, 100));
        // Before room is denied, the others are.
        assertThat(allocate(allocator, 400, 1, 0)).isEqualTo(AddressRange.of(100, 400));
        assertThat(allocator.allocate(1, 1, 0)).isNull();
    }

    @Test
    void aLongRangeIsNotWithheld() {
        AddressAllocator allocator = new AddressAllocator(AddressRange.of(0, 1000), List.of(), 100, 8);
        AddressRange all = allocate(allocator, 1000, 1, 0);
        allocator.release(all, mapping(1, all));
        assertThat(allocate(allocator, 1000, 1, 0)).isEqualTo(all);
    }

    @Test
    void whoeverAsksForAWithheldRangeGetsIt() {
        AddressAllocator allocator = new AddressAllocator(AddressRange.of(0, 1000), List.of(), 500, 8);
        AddressRange first = allocate(allocator, 100, 1, 0);
        allocator.release(first, mapping(1, first));
        AddressRange middle = AddressRange.of(40, 20);
        allocator.take(middle);
        // The rest of it stays withheld, and comes back without the part that was taken.
        for (int i = 0; i < 9; i++) {
            AddressRange range = allocate(allocator, 100, 1, 0);
            allocator.release(range, mapping(2 + i, range));
        }
        List<AddressRange> all = new ArrayList<>();
        AddressRange next = allocator.allocate(20, 1, 0);
        while (next != null) {
            assertThat(next.overlaps(middle)).isFalse();
            all.add(next);
            next = allocator.allocate(20, 1, 0);
        }
        assertThat(all).hasSize(49);
    }

    @Test
    void remembersWhoseAnAddressWasTheNewestFirst() {
        AddressAllocator allocator = new AddressAllocator(AddressRange.of(0, 1000), List.of(), 0, 2);
        AddressRange low = AddressRange.of(0, 100);
        AddressRange high = AddressRange.of(500, 100);
        for (int id = 1; id <= 2; id++) {
            allocator.take(low);
            allocator.release(low, mapping(id, low));
        }
        assertThat(formerId(allocator, 50)).isEqualTo(2);
        allocator.take(high);
        allocator.release(high, mapping(3, high));
        assertThat(formerId(allocator, 599)).isEqualTo(3);
        assertThat(formerId(allocator, 50)).isEqualTo(2);
        allocator.take(high);
        allocator.release(high, mapping(4, high));
        assertThat(formerId(allocator, 50)).as("forgotten, two are remembered").isNull();
        assertThat(formerId(allocator, 700)).isNull();
    }

    private static @Nullable Long formerId(AddressAllocator allocator, long iova) {
        Neighbour former = allocator.formerly(iova);
        return former == null ? null : former.id();
    }
}
