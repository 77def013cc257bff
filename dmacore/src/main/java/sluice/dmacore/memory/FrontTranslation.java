package sluice.dmacore.memory;

import sluice.iommu.Access;

/**
 * Turns the addresses a driver gives us, bus addresses, into guest memory.
 *
 * <p>Without an IOMMU in front of the device that is the memory table itself ({@link IdentityTranslation}). A
 * translation that is a cache may not know an address yet: absence is a miss, and the caller tries again once it was
 * filled. Used by one thread.
 */
public interface FrontTranslation {
    /** What became of a resolution. */
    enum Outcome {
        /** The runs were appended. */
        RESOLVED,
        /** A cache does not know {@link #failedAddress}; ask again once it was filled. */
        MISS,
        /** The address is nobody's memory, or may not be accessed so. */
        FAULT
    }

    /**
     * Appends to {@code target} the runs behind [{@code address}, {@code address + length}). Unless the outcome is
     * {@link Outcome#RESOLVED}, {@code target} is as it was.
     */
    Outcome resolve(long address, long length, Access access, Runs target);

    /**
     * The bus address the last resolution missed or faulted at.
     *
     * <p>For a fault this is the beginning of what was asked for.
     */
    long failedAddress();

    /** Changes whenever runs resolved earlier may no longer be used for new work. */
    long generation();

    /**
     * The memory that keeps the runs resolved now alive. A holder that outlives its turn on the device loop retains it.
     */
    GuestMemory memory();
}
