package sluice.dmacore.budget;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The resources of a process and their use by its devices, so that one front-end cannot exhaust them for all others.
 *
 * <p>Half of each {@link Resource} is divided evenly among the devices and the process itself, as a guaranteed part.
 * The other half is first come, first served. So a single device can use three quarters, and one of many always has its
 * part. Devices are added before their front-ends connect; a device added later gets its part when the others release
 * what they use beyond theirs.
 *
 * <p>Thread-safe. Charging takes a lock and visits each device, so it is for setup, never per frame.
 */
public final class Budget {
    private static final Budget PROCESS = new Budget(processLimits());

    private final Map<Resource, Long> limits;
    private final Map<String, Integer> namesakes = new HashMap<>();
    private final Share own = new Share(this, "the process itself");
    private final List<Share> shares = new ArrayList<>(List.of(own));
    private final Map<Resource, Long> used = new EnumMap<>(Resource.class);

    private Budget(Map<Resource, Long> limits) {
        this.limits = limits;
    }

    /** A budget that limits one resource only; for tests. */
    public static Budget of(Resource resource, long limit) {
        return new Budget(Map.of(resource, limit));
    }

    /** The one budget of this process. */
    public static Budget ofProcess() {
        return PROCESS;
    }

    private static Map<Resource, Long> processLimits() {
        Map<Resource, Long> all = new EnumMap<>(Resource.class);
        for (Resource resource : Resource.values()) all.put(resource, resource.limit());
        return all;
    }

    /** The share for memory that does not belong to one device, such as shadows of modelled caches. */
    public Share own() {
        return own;
    }

    /**
     * Adds a share for one more device, until it is {@linkplain Share#close closed}.
     *
     * @param name of the device, for messages; a second one of that name gets a number
     */
    public synchronized Share share(String name) {
        int number = namesakes.merge(name, 1, Integer::sum);
        Share share = new Share(this, number == 1 ? name : name + " " + number);
        shares.add(share);
        return share;
    }

    synchronized void remove(Share share) {
        shares.remove(share);
    }

    /** Total use of a resource. */
    public synchronized long used(Resource resource) {
        return amount(used, resource);
    }

    private long limit(Resource resource) {
        return limits.getOrDefault(resource, Long.MAX_VALUE);
    }

    synchronized boolean tryTake(Share share, Resource resource, long amount) {
        if (amount < 0) throw new IllegalArgumentException("%d %s".formatted(amount, resource.things()));
        if (amount > free(resource) - keptFromOthers(share, resource)) return false;
        used.merge(resource, amount, Long::sum);
        share.used.merge(resource, amount, Long::sum);
        return true;
    }

    synchronized void giveBack(Share share, Resource resource, long amount) {
        long has = amount(share.used, resource);
        if (amount < 0 || amount > has) {
            throw new IllegalStateException("%s gives back %d %s of %d".formatted(share.name(), amount,
                    resource.things(), has));
        }
        used.merge(resource, -amount, Long::sum);
        share.used.merge(resource, -amount, Long::sum);
    }

    synchronized long used(Share share, Resource resource) {
        return amount(share.used, resource);
    }

    private static long amount(Map<Resource, Long> of, Resource resource) {
        return of.getOrDefault(resource, 0L);
    }

    private long free(Resource resource) {
        return limit(resource) - amount(used, resource);
    }

    /** The unused guaranteed parts of all other shares. */
    private long keptFromOthers(Share share, Resource resource) {
        long part = limit(resource) / 2 / shares.size();
        long kept = 0;
        for (Share other : shares) {
            if (!other.equals(share)) kept += Math.max(0, part - amount(other.used, resource));
        }
        return kept;
    }

    synchronized boolean tellsFirst(Share share, Resource resource) {
        return share.told.add(resource);
    }

    /** The reason for refusing a share more. */
    synchronized ShareUsedUpException refusal(Share share, Resource resource, long amount) {
        return new ShareUsedUpException(resource,
                """
                        %s does not get %d more %s: it has %d, and of the %d of this process %d are free, of which %d are kept for \
                        others; %s, or serve fewer devices in one process"""
                        .formatted(share.name(), amount, resource.things(),
                                amount(share.used, resource), limit(resource), free(resource),
                                keptFromOthers(share, resource),
                                resource.remedy()));
    }
}
