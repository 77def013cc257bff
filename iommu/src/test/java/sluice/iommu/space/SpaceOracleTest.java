package sluice.iommu.space;

import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.space.IoSpaceOptions.TableKind;

/** Spaces of all kinds against a map of intervals, over a million random operations. */
class SpaceOracleTest {
    private static final long SEED = 20260401;
    private static final int OPERATIONS = Integer.getInteger("sluice.operations", 60_000);
    private static final int LONG_OPERATIONS = 4_000_000;

    record Case(String name, IoSpaceOptions options, long... windows) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        long mega = 1L << 20;
        AddressRange small = AddressRange.of(0x4000_0000L, 64 * mega);
        AddressRange top = new AddressRange(-16 * mega, -1);
        AddressRange wide = new AddressRange(0, (1L << 48) - 1);
        AddressRange widest = new AddressRange(0, (1L << 57) - 1);
        return Stream.of(
                new Case("flat, 64 MiB, a reserved range and a mask", IoSpaceOptions.of("flat", small)
                        .withReserved(AddressRange.of(0x4080_0000L, mega)).withAddressMask(0x7fff_ffffL),
                        0x4000_0000L, 0x4080_0000L, 0x4400_0000L),
                new Case("flat, up to 2^64", IoSpaceOptions.of("top", top), -16 * mega, -mega, -4096),
                new Case("radix, the same 64 MiB", IoSpaceOptions.of("radix", small).withTable(TableKind.RADIX),
                        0x4000_0000L, 0x4100_0000L, 0x4400_0000L),
                new Case("radix, 48 bits, large pages", IoSpaceOptions.of("wide", wide)
                        .withReserved(new AddressRange(0xfee0_0000L, 0xfeef_ffffL)), 0, 1L << 21, 1L << 30, 1L << 39,
                        0xfee0_0000L, 1L << 48),
                new Case("radix, 57 bits, small pages, mask of 47", IoSpaceOptions.of("widest", widest)
                        .withPageSizes(PageSizes.SMALL).withAddressMask((1L << 47) - 1), 0, 1L << 39, 1L << 47));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void behavesAsAMapOfIntervals(Case oracle) throws MapException {
        run(oracle, SEED, OPERATIONS);
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("cases")
    void behavesAsAMapOfIntervalsForLong(Case oracle) throws MapException {
        run(oracle, System.nanoTime(), LONG_OPERATIONS);
    }

    private static void run(Case oracle, long seed, int operations) throws MapException {
        System.out.println(oracle + ": seed " + seed);
        new RandomOperations(oracle.options(), seed, oracle.windows()).run(operations);
    }
}
