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
     * Appends the runs behind a list of ranges. Unless the outcome is {@link Outcome#RESOLVED}, {@code target} is as it was.
     *
     * @param ranges pairs of an address and a length in bytes, of which the lower 32 bits count
     */
    default Outcome resolveAll(long[] ranges, Access access, Runs target) {
        int mark = target.count();
        long markBytes = target.bytes();
        for (int i = 0; i < ranges.length; i += 2) {
            long length = Integer.toUnsignedLong((int) ranges[i + 1]);
            if (length == 0) continue;
            Outcome outcome = resolve(ranges[i], length, access, target);
            if (outcome != Outcome.RESOLVED) {
                target.cutBack(mark, markBytes);
                return outcome;
            }
        }
        return Outcome.RESOLVED;
    }

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
