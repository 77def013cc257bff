package sluice.dmacore.memory;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * Translates the addresses that a driver passes, bus addresses, to guest memory.
 *
 * <p>Without an IOMMU this is the memory table itself ({@link IdentityTranslation}). In a cache ({@link Iotlb}) an
 * absent address is a miss, and the caller retries when the translation has arrived. Where the front-end maps each
 * range explicitly, an absent address is a fault. Used by one thread.
 */
public interface FrontTranslation {
    /**
     * Appends to {@code target} the runs behind [{@code address}, {@code address + length}). Unless the outcome is
     * {@link Outcome#RESOLVED}, {@code target} is unchanged.
     *
     * @param result receives the outcome: {@link Outcome#RESOLVED}, {@link Outcome#MISS} (a translation is missing in a
     * cache; retry when it has arrived) or {@link Outcome#FAULT} (its address is not memory, or not accessible in this
     * way)
     * @return its outcome
     */
    Outcome resolve(long address, long length, Access access, Runs target, Result result);

    /**
     * Appends the runs behind the beginning of a range, as far as it can be resolved now. A translation other
     * than a cache resolves all of it or nothing.
     *
     * @param result receives the reason for stopping
     * @return bytes appended
     */
    default long resolveKnown(long address, long length, Access access, Runs target, Result result) {
        return resolve(address, length, access, target, result) == Outcome.RESOLVED ? length : 0;
    }

    /** Appends the runs of a list of ranges. Unless the outcome is {@link Outcome#RESOLVED}, {@code target} is unchanged. */
    default Outcome resolveAll(BusList list, Access access, Runs target, Result result) {
        int mark = target.count();
        long markBytes = target.bytes();
        for (int i = 0; i < list.count(); i++) {
            Outcome one = resolve(list.address(i), list.length(i), access, target, result);
            if (one != Outcome.RESOLVED) {
                target.cutBack(mark, markBytes);
                return one;
            }
        }
        return result.resolved();
    }

    /** Changes when runs resolved earlier must not be used for new work any more. */
    long generation();

    /**
     * The memory generation that keeps the resolved runs alive. Code that keeps runs beyond its turn on the device's
     * loop retains it.
     */
    GuestMemory memory();

    /**
     * Whether runs may be invalidated while their memory stays mapped. Code that keeps runs across turns then compares
     * {@link #generation} and resolves them again.
     */
    default boolean isRevocable() {
        return false;
    }

    /** Whether looking up ranges ahead of need is useful, because misses are then requested together. */
    default boolean wantsMore() {
        return false;
    }
}
