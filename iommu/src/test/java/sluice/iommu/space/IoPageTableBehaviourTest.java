package sluice.iommu.space;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Targets;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.iommu.space.SpaceFixture.refused;

/** What Linux's io-pgtable-arm selftest checks: three sets of page sizes, six widths of addresses. */
class IoPageTableBehaviourTest {
    private static final long SIZE_64K = 1L << 16;

    record Configuration(PageSizes sizes, int bits) {
        SpaceFixture open() {
            return new SpaceFixture(
                    IoSpaceOptions.of("pgtable", new AddressRange(0, (1L << bits) - 1)).withPageSizes(sizes));
        }

        List<Long> eachSize() {
            List<Long> all = new ArrayList<>();
            for (long left = sizes.bitmap(); left != 0; left &= left - 1) all.add(Long.lowestOneBit(left));
            return all;
        }
    }

    static Stream<Configuration> configurations() {
        PageSizes[] granules = { PageSizes.X86, new PageSizes((1L << 14) | (1L << 25)),
                new PageSizes(SIZE_64K | (1L << 29)) };
        return Stream.of(granules)
                .flatMap(sizes -> Stream.of(32, 36, 40, 42, 44, 48).map(bits -> new Configuration(sizes, bits)));
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void anEmptyTableTranslatesNothing(Configuration configuration) {
        SpaceFixture fixture = configuration.open();
        for (long iova : new long[]{ 42, (1L << 30) + 42, (1L << 31) + 42 }) {
            try (var _ = fixture.reader.enter()) {
                assertThat(fixture.reader.target(iova, Access.READ)).isEqualTo(Targets.NONE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void everySizeIsMappedOnceAndFoundWhereItIs(Configuration configuration) throws MapException {
        SpaceFixture fixture = configuration.open();
        long iova = 0;
        for (long size : configuration.eachSize()) {
            fixture.map(iova, iova, size);
            // A second mapping over the first is refused, also at another target.
            long at = iova;
            refused(Refusal.OVERLAP, 22, () -> fixture.map(at, at + size, size));
            assertThat(fixture.target(iova + 42)).isEqualTo(iova + 42);
            assertThat(fixture.target(iova + size - 1)).isEqualTo(iova + size - 1);
            iova += 1L << 30;
        }
        assertThat(fixture.space.mappings()).hasSize(configuration.eachSize().size());
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void unmapReturnsWhatWasThereAndTheRangeCanBeMappedAgain(Configuration configuration) throws MapException {
        SpaceFixture fixture = configuration.open();
        long iova = 0;
        for (long size : configuration.eachSize()) {
            fixture.map(iova, iova, size);
            assertThat(fixture.unmap(iova, size)).isEqualTo(size);
            assertThat(fixture.unmap(iova, size)).as("a second unmap finds nothing").isZero();
            try (var _ = fixture.reader.enter()) {
                assertThat(fixture.reader.target(iova + 42, Access.READ)).isEqualTo(Targets.NONE);
            }
            fixture.map(iova, iova + 7 * size, size);
            assertThat(fixture.target(iova + 42)).isEqualTo(iova + 7 * size + 42);
            iova += 1L << 30;
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void aPartOfALargePageIsRemovedIfThatIsAskedFor(Configuration configuration) throws MapException {
        SpaceFixture fixture = configuration.open();
        long smallest = configuration.sizes().smallest();
        long size = configuration.eachSize().get(1);
        fixture.map(size, size, size);
        refused(Refusal.SPLIT, 34, () -> fixture.unmap(size + smallest, smallest));
        assertThat(fixture.space.unmap(AddressRange.of(size + smallest, smallest), Splitting.ALLOWED).bytes())
                .isEqualTo(smallest);
        try (var _ = fixture.reader.enter()) {
            assertThat(fixture.reader.target(size + smallest + 42, Access.READ)).isEqualTo(Targets.NONE);
            assertThat(fixture.reader.target(size + 42, Access.READ)).isEqualTo(size + 42);
            assertThat(fixture.reader.target(size + 2 * smallest + 42, Access.READ))
                    .isEqualTo(size + 2 * smallest + 42);
        }
        fixture.map(size + smallest, 0, smallest);
        assertThat(fixture.target(size + smallest + 42)).isEqualTo(42);
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void theLastPageOfTheApertureCanBeMappedAndNoneBehindIt(Configuration configuration) throws MapException {
        SpaceFixture fixture = configuration.open();
        long smallest = configuration.sizes().smallest();
        long end = 1L << configuration.bits();
        fixture.map(end - smallest, 0, smallest);
        assertThat(fixture.target(end - 1)).isEqualTo(smallest - 1);
        refused(Refusal.OUT_OF_APERTURE, 34, () -> fixture.map(end, 0, smallest));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> fixture.map(end - 2 * smallest, 0, 3 * smallest));
        if (smallest > 4096) refused(Refusal.MISALIGNED, 22, () -> fixture.map(4096, 0, smallest));
    }
}
