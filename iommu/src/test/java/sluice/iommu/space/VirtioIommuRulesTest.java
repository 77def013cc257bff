package sluice.iommu.space;

import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static sluice.iommu.space.SpaceFixture.KIB4;

/** What the virtio specification asks of MAP and UNMAP (device-types/iommu), as a table. */
class VirtioIommuRulesTest {
    /** The status a virtio-iommu would give for a refusal; null where the specification does not say. */
    private static @Nullable String status(Refusal refusal) {
        return switch (refusal) {
            case MISALIGNED, SPLIT, OUT_OF_APERTURE, OVER_MASK -> "RANGE";
            case OVERLAP, RESERVED, UNSUITABLE -> "INVAL";
            case NO_ROOM, TOO_MANY, TABLE_FULL, INJECTED -> "NOMEM";
            case GONE -> "NOENT";
            case PINNED -> null;
        };
    }

    record Request(String sentence, long iova, long target, long length, String status) {
        @Override
        public String toString() {
            return sentence;
        }
    }

    static Stream<Request> mapRequests() {
        return Stream.of(new Request("a mapping in free space", 0x10000, 0x5000, KIB4, "OK"),
                new Request("exactly over a mapping", 0x4000, 0, 2 * KIB4, "INVAL"),
                new Request("overlaps the end of a mapping", 0x5000, 0, 2 * KIB4, "INVAL"),
                new Request("overlaps the begin of a mapping", 0x3000, 0, 2 * KIB4, "INVAL"),
                new Request("inside of a mapping", 0x5000, 0, KIB4, "INVAL"),
                new Request("touches a mapping on both sides", 0x6000, 0, 2 * KIB4, "OK"),
                new Request("address not aligned", 0x10800, 0, KIB4, "RANGE"),
                new Request("target not aligned", 0x10000, 0x800, KIB4, "RANGE"),
                new Request("length not aligned", 0x10000, 0, KIB4 + 1, "RANGE"),
                new Request("below the input range", 0x0, 0, KIB4, "RANGE"),
                new Request("beyond the input range", 0x100_0000, 0, KIB4, "RANGE"),
                new Request("reaches beyond the input range", 0xff_f000, 0, 2 * KIB4, "RANGE"),
                new Request("wraps around", -KIB4, 0, 2 * KIB4, "RANGE"),
                new Request("in a reserved region", 0x8_0000, 0, KIB4, "INVAL"),
                new Request("over a reserved region", 0x7_f000, 0, 32 * KIB4, "INVAL"));
    }

    @ParameterizedTest
    @MethodSource("mapRequests")
    void map(Request request) throws MapException {
        SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("endpoint", new AddressRange(0x1000, 0xff_ffff))
                .withPageSizes(PageSizes.SMALL).withReserved(AddressRange.of(0x8_0000, 0x1_0000)));
        fixture.map(0x4000, 0, 2 * KIB4);
        fixture.map(0x8000, 0, KIB4);
        List<Mapping> before = fixture.space.mappings();
        MapException refused = catchThrowableOfType(MapException.class,
                () -> fixture.map(request.iova(), request.target(), request.length()));
        assertThat(refused == null ? "OK" : status(refused.refusal())).isEqualTo(request.status());
        if (refused == null) {
            assertThat(fixture.target(request.iova())).isEqualTo(request.target());
        } else {
            assertThat(refused).hasMessageStartingWith("endpoint: ").hasMessageContaining("0x");
            assertThat(fixture.space.mappings()).as("nothing was changed").isEqualTo(before);
        }
    }

    /**
     * The specification's seven examples of UNMAP, in its words: what was mapped, what is unmapped. A page stands for its
     * byte.
     *
     * @param result what is removed, or null for an error that removes nothing
     */
    record Example(int number, List<AddressRange> mapped, AddressRange unmapped, @Nullable Integer result) {}

    private static AddressRange pages(int first, int last) {
        return new AddressRange(first * KIB4, (last + 1) * KIB4 - 1);
    }

    static Stream<Example> unmapExamples() {
        return Stream.of(new Example(1, List.of(), pages(0, 4), 0),
                new Example(2, List.of(pages(0, 9)), pages(0, 9), 10),
                new Example(3, List.of(pages(0, 4), pages(5, 9)), pages(0, 9), 10),
                new Example(4, List.of(pages(0, 9)), pages(0, 4), null),
                new Example(5, List.of(pages(0, 4), pages(5, 9)), pages(0, 4), 5),
                new Example(6, List.of(pages(0, 4)), pages(0, 9), 5),
                new Example(7, List.of(pages(0, 4), pages(10, 14)), pages(0, 14), 10));
    }

    @ParameterizedTest
    @MethodSource("unmapExamples")
    void unmap(Example example) throws MapException {
        SpaceFixture fixture = SpaceFixture.of(1 << 24);
        for (AddressRange range : example.mapped()) fixture.map(range.first(), range.first(), range.size());
        AddressRange asked = example.unmapped();
        if (example.result() == null) {
            MapException refused = catchThrowableOfType(MapException.class,
                    () -> fixture.unmap(asked.first(), asked.size()));
            assertThat(refused).isNotNull();
            assertThat(status(refused.refusal())).isEqualTo("RANGE");
            for (AddressRange range : example.mapped()) {
                assertThat(fixture.translate(range.first(), range.size(), Access.READ)).isEqualTo(Outcome.RESOLVED);
            }
            return;
        }
        assertThat(fixture.unmap(asked.first(), asked.size())).isEqualTo(example.result() * KIB4);
        for (AddressRange range : example.mapped()) {
            boolean gone = example.unmapped().contains(range.first());
            assertThat(fixture.translate(range.first(), range.size(), Access.READ))
                    .isEqualTo(gone ? Outcome.FAULT : Outcome.RESOLVED);
        }
    }

    /** A bypass domain: all addresses lead to themselves, but the reserved ones. */
    @Test
    void bypass() {
        SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("bypass", new AddressRange(0, -1)).withBypass()
                .withReserved(new AddressRange(0xfee0_0000L, 0xfeef_ffffL)).withAddressMask((1L << 48) - 1));
        assertThat(fixture.runs(0x1234_5678L, 1L << 20, Access.WRITE)).isEqualTo("[0x12345678+1048576]");
        assertThat(fixture.runs((1L << 48) - 7, 7, Access.READ)).isEqualTo("[0xfffffffffff9+7]");
        assertThat(fixture.fault(0xfedf_fff0L, 0x20, Access.READ).iova()).isEqualTo(0xfee0_0000L);
        assertThat(fixture.reason(0xfee0_0000L, 1, Access.READ)).isEqualTo(FaultReason.RESERVED);
        assertThat(fixture.reason(0xfeef_fff0L, 0x20, Access.READ)).isEqualTo(FaultReason.RESERVED);
        assertThat(fixture.reason((1L << 48) - 7, 8, Access.READ)).isEqualTo(FaultReason.OVER_MASK);
        SpaceFixture.refused(Refusal.UNSUITABLE, 22, () -> fixture.map(0, 0, KIB4));
    }

    /** Write-only may imply reading, says the specification; here it does not, and a device that reads learns of it. */
    @Test
    void writeOnlyIsWriteOnly() throws MapException {
        SpaceFixture fixture = SpaceFixture.of(1 << 24);
        fixture.map(0, 0, KIB4, Permission.WRITE_ONLY);
        assertThat(fixture.translate(0, 16, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.reason(0, 16, Access.READ)).isEqualTo(FaultReason.PERM_READ);
    }
}
