package sluice.dmacore.budget;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one device, and the front-end it serves, has of what the process has: {@link Budget}. Any thread may use it.
 */
public final class Share implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Share.class);

    private final Budget budget;
    private final String name;
    /** Guarded by the budget. */
    final Map<Resource, Long> used = new EnumMap<>(Resource.class);
    /** Of which the log was told that it is used up. Guarded by the budget. */
    final Set<Resource> told = EnumSet.noneOf(Resource.class);

    Share(Budget budget, String name) {
        this.budget = budget;
        this.name = name;
    }

    /** The device's name in sentences. */
    public String name() {
        return name;
    }

    /**
     * Takes {@code amount} of a resource, 0 or more, all or nothing.
     *
     * @throws ShareUsedUpException with a sentence, if the share has no more of it
     */
    public void take(Resource resource, long amount) throws ShareUsedUpException {
        if (!tryTake(resource, amount)) throw budget.refusal(this, resource, amount);
    }

    /**
     * As {@link #take}, for one whose answer to a guest has no room for a sentence: the log gets it, once for each resource.
     *
     * @return false if nothing was taken
     */
    public boolean takeOrTell(Resource resource, long amount) {
        if (tryTake(resource, amount)) return true;
        if (budget.tellsFirst(this, resource)) LOG.warn("{}", budget.refusal(this, resource, amount).getMessage());
        return false;
    }

    /** As {@link #take}, without a sentence; false if nothing was taken. */
    public boolean tryTake(Resource resource, long amount) {
        return budget.tryTake(this, resource, amount);
    }

    /**
     * Gives back what was taken.
     *
     * @throws IllegalStateException if it is more than the share has
     */
    public void giveBack(Resource resource, long amount) {
        budget.giveBack(this, resource, amount);
    }

    /** How much it has. */
    public long used(Resource resource) {
        return budget.used(this, resource);
    }

    /** Nothing is kept for it any more. What it has it may still give back: memory is unmapped a moment after its last user. */
    @Override
    public void close() {
        budget.remove(this);
    }

    @Override
    public String toString() {
        return name;
    }
}
