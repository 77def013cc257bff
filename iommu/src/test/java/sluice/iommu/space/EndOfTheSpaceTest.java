package sluice.iommu.space;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.fault.FaultReason;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.OWNER;
import static sluice.iommu.space.SpaceFixture.refused;

/** The last addresses there are: nothing that begins there goes on at 0, whatever lies at 0. */
class EndOfTheSpaceTest {
    /** The aperture's last 16 pages are the last of all 2^64 bytes. */
    private static final AddressRange TOP = new AddressRange(-16 * KIB4, -1);

    private static SpaceFixture top() throws MapException {
        SpaceFixture fixture = new SpaceFixture(IoSpaceOptions.of("top", TOP));
        fixture.map(-16 * KIB4, 0, 15 * KIB4);
        return fixture;
    }

    @Test
    void noMappingPassesTheLastAddress() throws MapException {
        SpaceFixture fixture = top();
        refused(Refusal.OUT_OF_APERTURE, 34, () -> fixture.map(-KIB4, 0, 2 * KIB4));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> fixture.map(-KIB4, 0, 1L << 51));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> fixture.map(0, 0, KIB4));
        Mapping last = fixture.map(-KIB4, 64 * KIB4, KIB4);
        assertThat(last.range()).isEqualTo(new AddressRange(-KIB4, -1));
        assertThat(fixture.target(-1)).isEqualTo(65 * KIB4 - 1);
        refused(Refusal.OVERLAP, 22, () -> fixture.map(-KIB4, 0, KIB4));
        assertThat(fixture.space.unmap(last).bytes()).isEqualTo(KIB4);
    }

    @ParameterizedTest
    @ValueSource(longs = { 2, KIB4 + 1, 1L << 40, Long.MAX_VALUE, -1 })
    void noAccessPassesTheLastAddress(long length) throws MapException {
        SpaceFixture fixture = top();
        fixture.map(-KIB4, 64 * KIB4, KIB4);
        assertThat(fixture.translate(-1, 1, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.reason(-1, length, Access.READ)).isEqualTo(FaultReason.OUT_OF_APERTURE);
        assertThat(fixture.reader.result().address()).as("the first that is not there").isZero();
    }

    @Test
    void theLastPageIsUnmappedAndFoundLikeAnyOther() throws MapException {
        SpaceFixture fixture = top();
        Mapping last = fixture.map(-KIB4, 64 * KIB4, KIB4);
        assertThat(fixture.space.mappingAt(-1)).isSameAs(last);
        assertThat(fixture.space.mappingAt(0)).isNull();
        fixture.space.startDirtyTracking();
        assertThat(fixture.translate(-1, 1, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
        assertThat(fixture.space.readAndClearDirty(new AddressRange(0, -1)).ranges())
                .containsExactly(new AddressRange(-KIB4, -1));
        assertThat(fixture.unmap(-KIB4, KIB4)).isEqualTo(KIB4);
        assertThat(fixture.reason(-1, 1, Access.READ)).isEqualTo(FaultReason.AFTER_UNMAP);
        assertThat(fixture.space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_ONLY, OWNER).range())
                .as("what is freed is free").isEqualTo(new AddressRange(-KIB4, -1));
    }

    /** Addresses that are targets end at 2^52, and with the device's mask before. */
    @ParameterizedTest
    @ValueSource(longs = { 11, KIB4 + 10, 1L << 50, Long.MAX_VALUE, -1 })
    void addressesOfMemoryItselfEndWhereTargetsDo(long tooLong) {
        IoSpaceOptions all = IoSpaceOptions.of("direct", new AddressRange(0, Targets.MAX)).withBypass();
        SpaceFixture fixture = new SpaceFixture(all);
        assertThat(fixture.runs(Targets.MAX - 9, 10, Access.READ)).isEqualTo("[0xffffffffffff6+10]");
        assertThat(fixture.reason(Targets.MAX - 9, tooLong, Access.READ))
                .isEqualTo(FaultReason.OUT_OF_APERTURE);
        SpaceFixture masked = new SpaceFixture(all.withAddressMask(0xffff_ffffL));
        assertThat(masked.runs(0xffff_fff0L, 16, Access.WRITE)).isEqualTo("[0xfffffff0+16]");
        assertThat(masked.reason(0xffff_fff0L, 17, Access.WRITE)).isEqualTo(FaultReason.OVER_MASK);
        SpaceFixture reserved = new SpaceFixture(
                all.withReserved(AddressRange.of(0x8000, 0x1000), AddressRange.of(0x4000, 0x1000)));
        assertThat(reserved.runs(0, 0x4000, Access.READ)).isEqualTo("[0x0+16384]");
        assertThat(reserved.runs(0x5000, 0x3000, Access.READ)).isEqualTo("[0x5000+12288]");
        assertThat(reserved.reason(0x3fff, 2, Access.READ)).isEqualTo(FaultReason.RESERVED);
        assertThat(reserved.reason(0x7fff, 2, Access.READ)).isEqualTo(FaultReason.RESERVED);
    }

    @Test
    void entriesOfACacheEndWithItsAddresses() throws MapException {
        TranslationCache cache = TranslationCache.open(TranslationCacheOptions.of("cache", 48));
        long last = (1L << 48) - KIB4;
        cache.insert(last, KIB4, Targets.MAX + 1 - KIB4, Permission.READ_ONLY);
        for (long[] bad : new long[][]{ { last, 2 * KIB4, 0 }, { 1L << 48, KIB4, 0 }, { -KIB4, KIB4, 0 },
                { -KIB4, 2 * KIB4, 0 }, { 0, KIB4, -KIB4 }, { 0, 2 * KIB4, Targets.MAX + 1 - KIB4 },
                { KIB4, Long.MAX_VALUE - KIB4 + 1, 0 } }) {
            refused(Refusal.OUT_OF_APERTURE, 34, () -> cache.insert(bad[0], bad[1], bad[2], Permission.READ_ONLY));
        }
        assertThat(cache.size()).isEqualTo(1);
        try (Reader reader = cache.openReader(); var _ = reader.enter()) {
            TargetRuns runs = new TargetRuns();
            assertThat(reader.translate(last, KIB4, Access.READ, runs)).isEqualTo(Outcome.RESOLVED);
            assertThat(reader.translate(last, KIB4 + 1, Access.READ, runs)).isEqualTo(Outcome.MISS);
            assertThat(reader.result().address()).isEqualTo(1L << 48);
            assertThat(reader.translate(-1, 2, Access.READ, runs)).isEqualTo(Outcome.MISS);
        }
        assertThat(cache.invalidate(new AddressRange(-KIB4, -1)).entries()).isZero();
        assertThat(cache.invalidate(new AddressRange(last, -1)).entries()).isEqualTo(1);
    }

    @Test
    void optionsDoNotPassTheLastAddress() {
        assertThatThrownBy(() -> AddressRange.of(-KIB4, 2 * KIB4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> IoSpace.open(IoSpaceOptions.of("wide", new AddressRange(0, (1L << 57) + 4095))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("57 bits");
        assertThat(IoSpace.open(IoSpaceOptions.of("widest", new AddressRange(0, (1L << 57) - 1))).mappings())
                .isEmpty();
    }
}
