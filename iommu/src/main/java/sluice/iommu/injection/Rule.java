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
     * The mapping that an access touches is revoked: this access and all later ones fault as {@code REVOKED}, until the mapping ends
     * or is led to memory again.
     */
    record Revoke(String name, AddressRange range, @Nullable Access access, Occurrences when) implements Rule {}

    /** Invalidations that touch a range are lost: a cache keeps what it should forget. */
    record DropInvalidation(String name, AddressRange range, Occurrences when) implements Rule {}

    /**
     * Mapping fails, after some runs were written, and has to undo them.
     *
     * @param afterRuns how many runs are written first; a mapping of no more runs fails at its end
     * @param errno Linux errno number that it fails with, positive
     */
    record FailMap(String name, Occurrences when, int afterRuns, int errno) implements Rule {
        private static final int ENOMEM = 12;

        public FailMap {
            if (afterRuns < 0) throw new IllegalArgumentException("a map that fails after " + afterRuns + " runs");
            if (errno < 1) throw new IllegalArgumentException("a map that fails with errno " + errno);
        }

        /** One that fails for want of memory. */
        public FailMap(String name, Occurrences when, int afterRuns) {
            this(name, when, afterRuns, ENOMEM);
        }
    }
}
