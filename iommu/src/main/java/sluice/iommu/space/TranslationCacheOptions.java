package sluice.iommu.space;

import java.time.Duration;
import java.util.function.Consumer;

import sluice.iommu.epoch.HeavyBarrier;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.table.RadixTable;

/**
 * Options of a translation cache.
 *
 * @param name appears in faults and messages
 * @param addressBits width of its addresses, 12 to 57
 * @param capacity limit of entries; the oldest are evicted, also if scattered entries make the table larger than 16 MiB
 * @param unmapBound how long an invalidation waits for readers before it revokes their sections
 * @param faultCapacity records the fault log keeps
 * @param faultListener called for each fault on the accessing thread; must not wait
 * @param barrier the writer's barrier, which makes fence-free read sections correct
 */
public record TranslationCacheOptions(String name, int addressBits, int capacity, Duration unmapBound,
        int faultCapacity, Consumer<FaultRecord> faultListener, HeavyBarrier barrier) {
    /** Limit of the table in bytes. */
    static final long MOST_TABLE_BYTES = 16L << 20;
    private static final int DEFAULT_CAPACITY = 16_384;
    private static final int DEFAULT_FAULTS = 256;

    public TranslationCacheOptions {
        if (addressBits < 12 || addressBits > RadixTable.MAX_BITS)
            throw new IllegalArgumentException("addresses of %d bits; 12 to %d are possible".formatted(addressBits,
                    RadixTable.MAX_BITS));
        if (capacity < 1) throw new IllegalArgumentException("a cache of " + capacity + " entries");
        if (unmapBound.isNegative()) throw new IllegalArgumentException("an invalidation bound of " + unmapBound);
    }

    /** 16,384 entries, eight frames of 1920×1080 in single pages, and a bound of one second. */
    public static TranslationCacheOptions of(String name, int addressBits) {
        return new TranslationCacheOptions(name, addressBits, DEFAULT_CAPACITY, Duration.ofSeconds(1), DEFAULT_FAULTS,
                fault -> {}, HeavyBarrier.handshake());
    }

    public TranslationCacheOptions withCapacity(int entries) {
        return new TranslationCacheOptions(name, addressBits, entries, unmapBound, faultCapacity, faultListener,
                barrier);
    }

    public TranslationCacheOptions withUnmapBound(Duration bound) {
        return new TranslationCacheOptions(name, addressBits, capacity, bound, faultCapacity, faultListener, barrier);
    }

    public TranslationCacheOptions withFaultLog(int records, Consumer<FaultRecord> listener) {
        return new TranslationCacheOptions(name, addressBits, capacity, unmapBound, records, listener, barrier);
    }

    public TranslationCacheOptions withBarrier(HeavyBarrier heavyBarrier) {
        return new TranslationCacheOptions(name, addressBits, capacity, unmapBound, faultCapacity, faultListener,
                heavyBarrier);
    }
}
