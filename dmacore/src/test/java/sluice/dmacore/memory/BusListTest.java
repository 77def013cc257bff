package sluice.dmacore.memory;

import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import sluice.iommu.AddressRange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The list of pages as a guest sends it, and which ranges of addresses touch it; against numbers that cannot overflow. */
class BusListTest {
    private static final long SEED = 20261202;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    /** Whether any byte of any entry lies in the range. */
    private static boolean touches(long[] entries, AddressRange range) {
        BigInteger first = unsigned(range.first());
        BigInteger last = unsigned(range.last());
        for (int i = 0; i < entries.length; i += 2) {
            BigInteger length = BigInteger.valueOf(Integer.toUnsignedLong((int) entries[i + 1]));
            BigInteger begin = unsigned(entries[i]);
            BigInteger end = begin.add(length); // behind the last byte
            if (length.signum() > 0 && begin.compareTo(last) <= 0 && end.compareTo(first) > 0) return true;
        }
        return false;
    }

    /** Addresses where sums are wrong first: about 0, 2^32, the middle and the end of all addresses. */
    private static long address(Random random) {
        long about = new long[]{ 0, 1L << 32, Long.MAX_VALUE, -40 }[random.nextInt(4)];
        return about + random.nextInt(32);
    }

    @Test
    void aRangeTouchesAListWhereItHasAByteOfIt() {
        Random random = new Random(SEED);
        int touched = 0;
        for (int round = 0; round < 20_000; round++) {
            long[] entries = new long[2 * (1 + random.nextInt(3))];
            for (int i = 0; i < entries.length; i += 2) {
                entries[i] = address(random);
                // Not beyond the end of all addresses; the upper half of the number is padding.
                entries[i + 1] = random.nextInt(9) | (long) random.nextInt() << 32;
            }
            long first = address(random);
            long last = first + random.nextInt(12);
            AddressRange range = new AddressRange(first, Long.compareUnsigned(last, first) < 0 ? -1 : last);
            boolean expected = touches(entries, range);
            assertThat(BusList.of(entries).overlaps(range)).as("seed %d, round %d: %s", SEED, round, range)
                    .isEqualTo(expected);
            if (expected) touched++;
        }
        assertThat(touched).isBetween(2_000, 18_000);
    }

    @Test
    void entriesOfNoBytesAreNotKeptAndTheOthersKeepTheirOrder() {
        BusList list = BusList.of(0x1000, 0, 0x2000, 5, 0x3000, 7L << 32, 0x4000, 0xffff_ffffL, 0x5000, 0);
        assertThat(list.count()).isEqualTo(2);
        assertThat(list.bytes()).as("a length is unsigned").isEqualTo(5 + 0xffff_ffffL);
        assertThat(pairs(list)).containsExactly(0x2000L, 5L, 0x4000L, 0xffff_ffffL);
        assertThat(list.overlaps(AddressRange.of(0x1000, 0x1000))).isFalse();
        assertThat(list.overlaps(AddressRange.of(0x2004, 1))).isTrue();
        assertThat(list.overlaps(AddressRange.of(0x2005, 1))).isFalse();
        assertThat(BusList.of(0x1000, 0).count()).isZero();
        assertThat(BusList.NONE.bytes()).isZero();
    }

    private static List<Long> pairs(BusList list) {
        List<Long> pairs = new ArrayList<>();
        for (int i = 0; i < list.count(); i++) {
            pairs.add(list.address(i));
            pairs.add(list.length(i));
        }
        return pairs;
    }

    /** What is to be kept of a list. */
    private static List<Long> merged(long[] ranges) {
        List<Long> kept = new ArrayList<>();
        for (int i = 0; i < ranges.length; i += 2) {
            long length = Integer.toUnsignedLong((int) ranges[i + 1]);
            if (length == 0) continue;
            int last = kept.size() - 1;
            if (last > 0 && kept.get(last - 1) + kept.get(last) == ranges[i] && ranges[i] != 0
                    && kept.get(last) + length <= 0xffff_f000L) {
                kept.set(last, kept.get(last) + length);
            } else {
                kept.add(ranges[i]);
                kept.add(length);
            }
        }
        return kept;
    }

    /** Lists of pages, and of anything, in which neighbours and empty entries are rare, frequent or absent. */
    private static long[] ranges(Random random) {
        long[] ranges = new long[2 * random.nextInt(20)];
        int rarely = 1 + random.nextInt(30);
        long each = new long[]{ 0, 4096, 1, 0xffff_f000L, 0x8000_0000L }[random.nextInt(5)];
        long next = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            ranges[i] = random.nextInt(rarely) == 0 ? next : address(random) << random.nextInt(13);
            long length = each != 0 && random.nextInt(rarely) != 0 ? each : random.nextInt(4);
            ranges[i + 1] = length | (long) random.nextInt() << 32;
            next = ranges[i] + length;
        }
        return ranges;
    }

    @Test
    void aListKeepsAllBytesAndMergesNeighbours() throws Exception {
        Random random = new Random(SEED);
        MemoryFiles files = new MemoryFiles(1);
        FileMapping file = files.filled(4096, 1);
        Snapshot command = new Snapshot(4096);
        int merged = 0;
        int even = 0;
        for (int round = 0; round < 20_000; round++) {
            long[] ranges = ranges(random);
            int at = 4 * random.nextInt(20);
            Runs sent = new Runs();
            sent.add(file, 0, 1 + at + 8L * ranges.length);
            for (int i = 0; i < ranges.length; i++) file.segment().set(LONG, at + 8L * i, ranges[i]);
            assertThat(command.take(sent, 0, sent.bytes())).isTrue();
            List<Long> expected = merged(ranges);
            long bytes = 0;
            int loose = 0;
            for (int i = 0; i < expected.size(); i += 2) {
                bytes += expected.get(i + 1);
                if (expected.get(i) % 4096 != 0 || expected.get(i + 1) % 4096 != 0) loose++;
            }
            for (BusList list : List.of(BusList.read(command, at, ranges.length / 2), BusList.of(ranges))) {
                assertThat(pairs(list)).as("seed %d, round %d", SEED, round).isEqualTo(expected);
                assertThat(list.bytes()).isEqualTo(bytes);
                assertThat(list.countLoose(4096)).isEqualTo(loose);
                for (int i = 0; i < list.count() && list.each() != 0; i++)
                    assertThat(list.length(i)).isEqualTo(list.each());
                if (list.count() > 1 && list.each() != 0) even++;
            }
            if (expected.size() < ranges.length) merged++;
        }
        assertThat(merged).isBetween(2_000, 18_000);
        assertThat(even).isGreaterThan(2_000);
        file.release();
        files.awaitUnmapped();
    }

    @Test
    void aListThatWasNotSentIsRefused() {
        assertThatThrownBy(() -> BusList.read(new Snapshot(64), 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
