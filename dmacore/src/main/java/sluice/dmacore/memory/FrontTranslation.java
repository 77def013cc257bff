package sluice.dmacore.memory;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;

/**
 * Turns the addresses a driver gives us, bus addresses, into guest memory.
 *
 * <p>Without an IOMMU in front of the device that is the memory table itself ({@link IdentityTranslation}). A
 * translation that is a cache ({@link Iotlb}) may not know an address yet: absence is a miss, and the caller tries again
 * once it was filled. Where the front-end maps each range for the device, absence is a fault. Used by one thread.
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
     * Appends the runs behind the beginning of a range, as far as it can be resolved now. What is no cache resolves all of it
     * or nothing.
     *
     * @return bytes appended; if fewer than {@code length}, {@link #outcome} says why there are not more
     */
    default long resolveKnown(long address, long length, Access access, Runs target) {
        return resolve(address, length, access, target) == Outcome.RESOLVED ? length : 0;
    }

    /** Why the last {@link #resolveKnown} came to its end: {@link Outcome#MISS} or {@link Outcome#FAULT}. */
    default Outcome outcome() {
        return Outcome.FAULT;
    }

    /**
     * Appends the runs behind a list of ranges. Unless the outcome is {@link Outcome#RESOLVED}, {@code target} is as it was.
     *
     * @param ranges pairs of an address and a length in bytes, of which the lower 32 bits count
     */
    default Outcome resolveAll(long[] ranges, Access access, Runs target) {
        int mark = target.count();
        long markBytes = target.bytes();
        for (int i = 0; i < ranges.length; i += 2) {
            Outcome one = resolve(ranges[i], Integer.toUnsignedLong((int) ranges[i + 1]), access, target);
            if (one != Outcome.RESOLVED) {
                target.cutBack(mark, markBytes);
                return one;
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

    /**
     * What else there is to say about the last fault: a clause that goes on where "is not guest memory" ends, or null if that
     * says it all.
     */
    default @Nullable String faultReason() {
        return null;
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
