package sluice.iommu;

import java.math.BigInteger;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Ranges of unsigned addresses, against the same arithmetic in numbers that cannot overflow. */
class AddressRangeTest {
    private static final long SEED = 20260101;

    private final Random random = new Random(SEED);

    /** Where arithmetic goes wrong, if anywhere: around 0, 2^63 and 2^64, and now and then anywhere. */
    private long address() {
        long near = random.nextInt(64) - 32L;
        return switch (random.nextInt(4)) {
            case 0 -> near;
            case 1 -> Long.MIN_VALUE + near;
            case 2 -> 0x1_0000_0000L + near;
            default -> random.nextLong();
        };
    }

    private AddressRange range() {
        long a = address();
        long b = random.nextBoolean() ? address() : a + random.nextInt(16);
        return Long.compareUnsigned(a, b) <= 0 ? new AddressRange(a, b) : new AddressRange(b, a);
    }

    private static BigInteger exact(long address) {
        return new BigInteger(Long.toUnsignedString(address));
    }

    private static boolean within(BigInteger value, AddressRange range) {
        return value.compareTo(exact(range.first())) >= 0 && value.compareTo(exact(range.last())) <= 0;
    }

    @Test
    void containsExactlyTheAddressesBetweenItsEnds() {
        int inside = 0;
        for (int i = 0; i < 200_000; i++) {
            AddressRange range = range();
            long address = random.nextBoolean() ? address() : range.last() + random.nextInt(3) - 1;
            boolean expected = within(exact(address), range);
            assertThat(range.contains(address)).as("seed %d: 0x%x in %s", SEED, address, range).isEqualTo(expected);
            inside += expected ? 1 : 0;
        }
        assertThat(inside).as("cases that are inside").isBetween(20_000, 180_000);
    }

    @Test
    void overlapsExactlyWhatSharesAnAddressWithIt() {
        int overlapping = 0;
        for (int i = 0; i < 200_000; i++) {
            AddressRange a = range();
            AddressRange b = range();
            boolean expected = exact(a.first()).max(exact(b.first()))
                    .compareTo(exact(a.last()).min(exact(b.last()))) <= 0;
            assertThat(a.overlaps(b)).as("seed %d: %s and %s", SEED, a, b).isEqualTo(expected);
            assertThat(b.overlaps(a)).as("seed %d: %s and %s", SEED, b, a).isEqualTo(expected);
            overlapping += expected ? 1 : 0;
        }
        assertThat(overlapping).as("cases that overlap").isBetween(20_000, 180_000);
    }

    @Test
    void sizeAndFirstAddressMakeTheSameRange() {
        for (int i = 0; i < 100_000; i++) {
            AddressRange range = range();
            BigInteger size = exact(range.last()).subtract(exact(range.first())).add(BigInteger.ONE);
            assertThat(exact(range.size())).isEqualTo(size.mod(BigInteger.TWO.pow(64)));
            if (range.size() != 0) assertThat(AddressRange.of(range.first(), range.size())).isEqualTo(range);
        }
    }

    @Test
    void reachesTheLastAddressButNotBeyond() {
        AddressRange last = AddressRange.of(-4096, 4096);
        assertThat(last).isEqualTo(new AddressRange(-4096, -1));
        assertThat(last.contains(-1)).isTrue();
        assertThat(last.contains(0)).isFalse();
        assertThat(last.contains(-4097)).isFalse();
        AddressRange all = new AddressRange(0, -1);
        assertThat(all.size()).as("2^64").isZero();
        assertThat(all.contains(random.nextLong())).isTrue();
        assertThat(AddressRange.of(1, -1)).as("2^64 - 1 bytes").isEqualTo(new AddressRange(1, -1));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0  | 0  | 0x0 bytes at 0x0 are empty or pass the end of a 64-bit address space
            5  | 0  | 0x0 bytes at 0x5 are empty or pass the end of a 64-bit address space
            -1 | 2  | 0x2 bytes at 0xffffffffffffffff are empty or pass the end of a 64-bit address space
            2  | -1 | 0xffffffffffffffff bytes at 0x2 are empty or pass the end of a 64-bit address space""")
    void isNeitherEmptyNorPastTheEnd(long first, long size, String sentence) {
        assertThatThrownBy(() -> AddressRange.of(first, size)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(sentence);
    }

    @Test
    void doesNotEndBeforeItBegins() {
        assertThatThrownBy(() -> new AddressRange(-1, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("range [0xffffffffffffffff, 0x1] ends before it begins");
        assertThat(new AddressRange(1, -1)).hasToString("[0x1, 0xffffffffffffffff]");
    }
}
