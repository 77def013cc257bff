package sluice.iommu.injection;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;

/**
 * One thing that goes wrong on purpose. A translation counts as one access for each 4 KiB page of the rule's range that
 * it touches.
 */
public sealed interface Rule {
    /** Unique in its space; appears in the records of the faults it causes. */
    String name();

    /** Accesses to a range fault as {@code DENIED}; {@code access} null means reads and writes. */
    record Deny(String name, AddressRange range, @Nullable Access access, Occurrences when) implements Rule {}

    /**
     * Accesses to a range take longer: each page that one touches, until the reader was held up for 500 ms, or once by a longer
     * delay. It goes on without a delay then for as long again, at least until a second is over, so that what else its
     * thread has to do gets its turn. The reader waits inside of its section: with a delay above the bound of an unmap, the unmap
     * gives up on it.
     */
    record Delay(String name, AddressRange range, @Nullable Access access, Occurrences when, Duration delay)
            implements
                Rule {
        public Delay {
            if (delay.isNegative()) throw new IllegalArgumentException("a delay of " + delay);
        }
    }

    /** The pages of a range are poisoned: every access faults as {@code POISONED} until the rule is removed. */
    record Poison(String name, AddressRange range) implements Rule {}

    /** Invalidations that touch a range are lost: a cache keeps what it should forget. */
    record DropInvalidation(String name, AddressRange range, Occurrences when) implements Rule {}

    /**
     * Mapping fails for want of memory, after some runs were written, and has to undo them.
     *
     * @param afterRuns how many runs are written first; a mapping of no more runs fails at its end
     */
    record FailMap(String name, Occurrences when, int afterRuns) implements Rule {
        public FailMap {
            if (afterRuns < 0) throw new IllegalArgumentException("a map that fails after " + afterRuns + " runs");
        }
    }
}
