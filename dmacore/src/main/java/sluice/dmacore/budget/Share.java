package sluice.dmacore.budget;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The share of one device and its front-end in the process's {@link Budget}. Thread-safe.
 */
public final class Share implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Share.class);

    private final Budget budget;
    private final String name;
    /** Guarded by the budget. */
    final Map<Resource, Long> used = new EnumMap<>(Resource.class);
    /** Resources already logged as used up. Guarded by the budget. */
    final Set<Resource> told = EnumSet.noneOf(Resource.class);

    Share(Budget budget, String name) {
        this.budget = budget;
        this.name = name;
    }

    /** The device's name in messages. */
    public String name() {
        return name;
    }

    /**
     * Charges {@code amount} of a resource, 0 or more, completely or not at all.
     *
     * @throws ShareUsedUpException with a sentence, if the share is used up
     */
    public void take(Resource resource, long amount) throws ShareUsedUpException {
        if (!tryTake(resource, amount)) throw budget.refusal(this, resource, amount);
    }

    /**
     * As {@link #take}, but logs the refusal, once for each resource, for answers to a guest that cannot contain a
     * message.
     *
     * @return false if nothing was charged
     */
    public boolean takeOrTell(Resource resource, long amount) {
        if (tryTake(resource, amount)) return true;
        if (budget.tellsFirst(this, resource)) LOG.warn("{}", budget.refusal(this, resource, amount).getMessage());
        return false;
    }

    /** As {@link #take}, without a message; false if nothing was charged. */
    public boolean tryTake(Resource resource, long amount) {
        return budget.tryTake(this, resource, amount);
    }

    /**
     * Returns a charge.
     *
     * @throws IllegalStateException if it exceeds the share's use
     */
    public void giveBack(Resource resource, long amount) {
        budget.giveBack(this, resource, amount);
    }

    /** Current use. */
    public long used(Resource resource) {
        return budget.used(this, resource);
    }

    /**
     * Closes the share and ends its guaranteed part. Remaining charges may still be returned, because memory is
     * unmapped shortly after its last use.
     */
    @Override
    public void close() {
        budget.remove(this);
    }

    @Override
    public String toString() {
        return name;
    }
}
