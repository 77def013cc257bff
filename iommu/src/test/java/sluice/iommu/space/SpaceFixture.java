package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A space and its reader, and short words for what tests do with them. */
final class SpaceFixture {
    static final long KIB4 = 1L << 12;
    static final long MIB2 = 1L << 21;
    static final long GIB1 = 1L << 30;
    static final Owner OWNER = new Owner(1, "test");

    final IoSpace space;
    final Reader reader;
    final TargetRuns runs = new TargetRuns();

    SpaceFixture(IoSpaceOptions options) {
        space = IoSpace.open(options);
        reader = space.openReader();
    }

    static SpaceFixture of(long bytes) {
        return new SpaceFixture(IoSpaceOptions.of("space", new AddressRange(0, bytes - 1)));
    }

    Mapping map(long iova, long target, long length) throws MapException {
        return space.map(iova, TargetRuns.of(target, length), Permission.READ_WRITE, OWNER);
    }

    Mapping map(long iova, long target, long length, Permission permission) throws MapException {
        return space.map(iova, TargetRuns.of(target, length), permission, OWNER);
    }

    long unmap(long iova, long length) throws MapException {
        return space.unmap(AddressRange.of(iova, length), Splitting.REFUSED).bytes();
    }

    /** Expects a refusal of an action. */
    static void refused(Refusal refusal, int errno, MapAction action) {
        MapException exception = catchThrowableOfType(MapException.class, action::run);
        assertThat(exception).as("%s was expected", refusal).isNotNull();
        assertThat(exception.refusal()).isEqualTo(refusal);
        assertThat(exception.errno()).isEqualTo(errno);
    }

    interface MapAction {
        void run() throws MapException;
    }

    /** Translates in a section of its own; the runs are those of this call. */
    Outcome translate(long iova, long length, Access access) {
        runs.clear();
        try (var _ = reader.enter()) {
            return reader.translate(iova, length, access, runs);
        }
    }

    /** The runs as text, for an access that has to succeed. */
    String runs(long iova, long length, Access access) {
        assertThat(translate(iova, length, access)).isEqualTo(Outcome.RESOLVED);
        return runs.toString();
    }

    /** The first target, for an access that has to succeed. */
    long target(long iova) {
        assertThat(translate(iova, 1, Access.READ)).isEqualTo(Outcome.RESOLVED);
        return runs.target(0);
    }

    /** The reason why an access fails, which it has to. */
    FaultReason reason(long iova, long length, Access access) {
        return fault(iova, length, access).reason();
    }

    FaultRecord fault(long iova, long length, Access access) {
        assertThat(translate(iova, length, access)).isEqualTo(Outcome.FAULT);
        assertThat(runs.count()).isZero();
        @Nullable
        FaultRecord fault = reader.fault();
        if (fault == null) throw new AssertionError("a fault without a record");
        return fault;
    }
}
