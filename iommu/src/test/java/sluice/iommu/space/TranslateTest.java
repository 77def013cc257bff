package sluice.iommu.space;

import java.lang.management.ManagementFactory;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.OWNER;

/** Spans, gaps and non-contiguous pages: the subjects of cloud-hypervisor's translate tests and fixed bugs. */
class TranslateTest {
    private static SpaceFixture open(TableKind kind) {
        return new SpaceFixture(IoSpaceOptions.of("space", AddressRange.of(0, 1 << 24)).withTable(kind));
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void aSpanOfSeveralMappingsIsTranslated(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(0, 0x10_0000, 2 * KIB4);
        fixture.map(2 * KIB4, 0x10_2000, KIB4); // its target follows
        fixture.map(3 * KIB4, 0x40_0000, KIB4); // this one's does not
        assertThat(fixture.runs(5, 4 * KIB4 - 10, Access.READ)).isEqualTo("[0x100005+12283, 0x400000+4091]");
        assertThat(fixture.runs(2 * KIB4 - 1, 2, Access.READ)).isEqualTo("[0x101fff+2]");
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void aGapIsFoundWhereItBegins(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(0, 0, KIB4);
        fixture.map(2 * KIB4, 0, KIB4);
        assertThat(fixture.fault(0, 3 * KIB4, Access.READ).iova()).isEqualTo(KIB4);
        assertThat(fixture.fault(0, 3 * KIB4, Access.READ).length()).isEqualTo(2 * KIB4);
        assertThat(fixture.fault(KIB4, 1, Access.READ).iova()).isEqualTo(KIB4);
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void permissionIsCheckedPageByPage(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(0, 0, KIB4, Permission.READ_WRITE);
        fixture.map(KIB4, KIB4, KIB4, Permission.READ_ONLY);
        fixture.map(2 * KIB4, 2 * KIB4, KIB4, Permission.WRITE_ONLY);
        assertThat(fixture.translate(0, 2 * KIB4, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.fault(0, 2 * KIB4, Access.WRITE).iova()).isEqualTo(KIB4);
        assertThat(fixture.reason(0, 2 * KIB4, Access.WRITE)).isEqualTo(FaultReason.PERM_WRITE);
        assertThat(fixture.reason(KIB4, 2 * KIB4, Access.READ)).isEqualTo(FaultReason.PERM_READ);
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void oneRunIsARunOrAFault(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map(0, 0x10_0000, 2 * KIB4);
        fixture.map(2 * KIB4, 0x40_0000, KIB4);
        try (var _ = fixture.reader.enter()) {
            TargetRuns runs = new TargetRuns();
            assertThat(fixture.reader.translateContiguous(1, 2 * KIB4 - 1, Access.READ, runs))
                    .isEqualTo(Outcome.RESOLVED);
            assertThat(runs.count()).isEqualTo(1);
            assertThat(fixture.reader.translateContiguous(KIB4, 2 * KIB4, Access.READ, runs))
                    .isEqualTo(Outcome.FAULT);
            assertThat(runs.bytes()).isEqualTo(2 * KIB4 - 1);
        }
        assertThat(fixture.space.faults().count(FaultReason.NOT_CONTIGUOUS)).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(TableKind.class)
    void lengthsOfZeroAndOfMoreThanTheSpace(TableKind kind) throws MapException {
        SpaceFixture fixture = open(kind);
        fixture.map((1 << 24) - KIB4, 0, KIB4);
        assertThat(fixture.translate(0x5000, 0, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.runs.count()).isZero();
        assertThat(fixture.reason((1 << 24) - KIB4, KIB4 + 1, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason((1 << 24) - KIB4, Long.MAX_VALUE, Access.READ))
                .isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason((1 << 24) - KIB4, -1, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason(1 << 24, 1, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason(-1, 1, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason(-1, 2, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reason(Long.MIN_VALUE, Long.MIN_VALUE, Access.READ))
                .isEqualTo(FaultReason.OUT_OF_APERTURE);
    }

    @Test
    void aSpaceThatEndsAt2To64HasALastByte() throws MapException {
        SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("top", new AddressRange(-(1L << 24), -1)));
        Mapping mapping = fixture.map(-KIB4, 0x1000, KIB4);
        assertThat(fixture.runs(-1, 1, Access.READ)).isEqualTo("[0x1fff+1]");
        assertThat(fixture.fault(-1, 2, Access.READ).iova()).as("there is nothing behind it").isZero();
        assertThat(fixture.space.unmap(new AddressRange(0, -1), Splitting.REFUSED).mappings())
                .containsExactly(mapping);
    }

    @Test
    void aWarmTranslationAllocatesNothing() throws MapException {
        SpaceFixture fixture = open(TableKind.FLAT);
        TargetRuns scattered = new TargetRuns();
        for (int i = 0; i < 100; i++) scattered.add(i * 3L * KIB4, KIB4);
        fixture.space.map(0, scattered, Permission.READ_WRITE, OWNER);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory
                .getThreadMXBean();
        for (int i = 0; i < 20_000; i++) fixture.translate(1, 100 * KIB4 - 2, Access.READ);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) fixture.translate(1, 100 * KIB4 - 2, Access.READ);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1000);
    }
}
