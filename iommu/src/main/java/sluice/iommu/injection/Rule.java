package sluice.iommu.injection;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;

/**
 * An injected fault. A translation counts as one access for each 4 KiB page of the rule's range.
 */
public sealed interface Rule {
    /** Unique in its space; appears in the fault records. */
    String name();

    /** Accesses to a range fault as {@code DENIED}; {@code access} null means reads and writes. */
    record Deny(String name, AddressRange range, @Nullable Access access, Occurrences when) implements Rule {}

    /**
     * Accesses to a range are delayed, for each page, until the reader was delayed by 500 ms in total, or once by a
     * longer delay. Then it runs without delay for the same time, at least until a second has passed, so that its
     * thread can do other work. The reader waits in its section: a delay above the bound of an unmap makes the unmap
     * revoke the section.
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

    /**
     * The mapping of an access is revoked: this access and all later ones fault as {@code REVOKED}, until the mapping
     * ends or is moved to other memory.
     */
    record Revoke(String name, AddressRange range, @Nullable Access access, Occurrences when) implements Rule {}

    /** Invalidations that overlap a range are dropped: a cache keeps stale entries. */
    record DropInvalidation(String name, AddressRange range, Occurrences when) implements Rule {}

    /**
     * A map fails after some runs were written, and must undo them.
     *
     * @param afterRuns number of runs written first; a mapping with fewer runs fails at its end
     * @param errno errno of the failure, positive
     */
    record FailMap(String name, Occurrences when, int afterRuns, int errno) implements Rule {
        private static final int ENOMEM = 12;

        public FailMap {
            if (afterRuns < 0) throw new IllegalArgumentException("a map that fails after " + afterRuns + " runs");
            if (errno < 1) throw new IllegalArgumentException("a map that fails with errno " + errno);
        }

        /** A map that fails with ENOMEM. */
        public FailMap(String name, Occurrences when, int afterRuns) {
            this(name, when, afterRuns, ENOMEM);
        }
    }
}
