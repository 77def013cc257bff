package sluice.vdev.gpu;

import java.math.BigInteger;
import java.util.Random;

import org.junit.jupiter.api.Test;

import sluice.iommu.AddressRange;

import static org.assertj.core.api.Assertions.assertThat;

/** The list of pages as a guest sends it, and which ranges of addresses touch it; against numbers that cannot overflow. */
class BackingTest {
    private static final long SEED = 20261202;

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
            assertThat(Backing.of(entries.clone()).overlaps(range)).as("seed %d, round %d: %s", SEED, round, range)
                    .isEqualTo(expected);
            if (expected) touched++;
        }
        assertThat(touched).isBetween(2_000, 18_000);
    }

    @Test
    void entriesOfNoBytesAreNotKeptAndTheOthersKeepTheirOrder() {
        Backing backing = Backing
                .of(new long[]{ 0x1000, 0, 0x2000, 5, 0x3000, 7L << 32, 0x4000, 0xffff_ffffL, 0x5000, 0 });
        assertThat(backing.count()).isEqualTo(2);
        assertThat(backing.bytes()).as("a length is unsigned").isEqualTo(5 + 0xffff_ffffL);
        assertThat(backing.entries()).containsExactly(0x2000, 5, 0x4000, 0xffff_ffffL);
        assertThat(backing.overlaps(AddressRange.of(0x1000, 0x1000))).isFalse();
        assertThat(backing.overlaps(AddressRange.of(0x2004, 1))).isTrue();
        assertThat(backing.overlaps(AddressRange.of(0x2005, 1))).isFalse();
    }

    @Test
    void aListOfNoBytesIsMappedWithoutAnything() {
        assertThat(Backing.of(new long[0]).isMapped(1)).isTrue();
        assertThat(Backing.of(new long[]{ 0x1000, 0 }).isMapped(1)).isTrue();
        assertThat(Backing.of(new long[]{ 0x1000, 1 }).isMapped(1)).isFalse();
    }
}
