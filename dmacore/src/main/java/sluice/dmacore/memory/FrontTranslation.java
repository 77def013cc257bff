package sluice.dmacore.memory;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * Turns the addresses a driver gives us, bus addresses, into guest memory.
 *
 * <p>Without an IOMMU in front of the device that is the memory table itself ({@link IdentityTranslation}). A
 * translation that is a cache ({@link Iotlb}) may not know an address yet: absence is a miss, and the caller tries again
 * once it was filled. Where the front-end maps each range for the device, absence is a fault. Used by one thread.
 */
public interface FrontTranslation {
    /**
     * Appends to {@code target} the runs behind [{@code address}, {@code address + length}). Unless the outcome is
     * {@link Outcome#RESOLVED}, {@code target} is as it was.
     *
     * @param result gets what became of it: {@link Outcome#RESOLVED}, {@link Outcome#MISS} (a cache does not know its address; ask
     *            again once it was filled) or {@link Outcome#FAULT} (its address is nobody's memory, or may not be accessed so)
     * @return its outcome
     */
    Outcome resolve(long address, long length, Access access, Runs target, Result result);

    /**
     * Appends the runs behind the beginning of a range, as far as it can be resolved now. What is no cache resolves all of it
     * or nothing.
     *
     * @param result says why there are not more
     * @return bytes appended
     */
    default long resolveKnown(long address, long length, Access access, Runs target, Result result) {
        return resolve(address, length, access, target, result) == Outcome.RESOLVED ? length : 0;
    }

    /**
     * Appends the runs behind a list of ranges. Unless the outcome is {@link Outcome#RESOLVED}, {@code target} is as it was.
     *
     * @param ranges pairs of an address and a length in bytes, of which the lower 32 bits count
     */
    default Outcome resolveAll(long[] ranges, Access access, Runs target, Result result) {
        int mark = target.count();
        long markBytes = target.bytes();
        for (int i = 0; i < ranges.length; i += 2) {
            Outcome one = resolve(ranges[i], Integer.toUnsignedLong((int) ranges[i + 1]), access, target, result);
            if (one != Outcome.RESOLVED) {
                target.cutBack(mark, markBytes);
                return one;
            }
        }
        return result.resolved();
    }

    /** Changes whenever runs resolved earlier may no longer be used for new work. */
    long generation();

    /**
     * The memory that keeps the runs resolved now alive. A holder that outlives its turn on the device loop retains it.
     */
    GuestMemory memory();

    /**
     * Whether runs may lose their right to be used while their memory stays mapped. Whoever keeps runs from one turn to the
     * next compares {@link #generation} then, and resolves them again.
     */
    default boolean isRevocable() {
        return false;
    }

    /** Whether it pays to look up what will be needed later: a miss there is asked for now, together with others. */
    default boolean wantsMore() {
        return false;
    }
}
