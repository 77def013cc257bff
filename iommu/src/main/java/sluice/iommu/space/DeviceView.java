package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultRecord;

/**
 * What a device sees of any address space, whether its addresses lead through a table or are computed: it cannot tell
 * them apart, and need not. Used by one thread.
 */
public interface DeviceView {
    /**
     * Appends to {@code target} what [{@code address}, {@code address + length}) translates to. Unless the outcome is
     * {@link Outcome#RESOLVED}, {@code target} is as it was.
     *
     * @param length in bytes, unsigned; 0 resolves to nothing
     */
    Outcome translate(long address, long length, Access access, TargetRuns target);

    /** The record of the last fault, or null. */
    @Nullable
    FaultRecord fault();
}
