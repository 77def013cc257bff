package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultRecord;

/**
 * A device's view of an address space, translated by a table or computed. Used by one thread.
 */
public interface DeviceView {
    /**
     * Appends the targets of [{@code address}, {@code address + length}) to {@code target}. Unless the outcome is
     * {@link Outcome#RESOLVED}, {@code target} is unchanged.
     *
     * @param length in bytes, unsigned; 0 resolves to nothing
     */
    Outcome translate(long address, long length, Access access, TargetRuns target);

    /** The record of the last fault, or null. */
    @Nullable
    FaultRecord fault();
}
