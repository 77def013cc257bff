package sluice.dmacore.memory;

import sluice.iommu.AddressRange;

/** Counters of the cost of the VM's IOMMU for one device. Written on the device's thread. */
public final class IotlbStatistics {
    /** Size in bytes from which an invalidation counts as wholesale: no driver maps a buffer of this size. */
    private static final long WHOLESALE_BYTES = 1L << 30;

    private boolean translating;
    private long asked;
    private long refused;
    private long faults;
    private long unasked;
    private int open;
    private long waitingSince;
    private long waitedNanos;
    private long exact;
    private long wholesale;
    private long dropped;
    private long droppedWholesale;

    void asked() {
        asked++;
        if (open++ == 0) waitingSince = System.nanoTime();
    }

    void noteTranslating() {
        translating = true;
    }

    void answered(boolean known) {
        if (!known) refused++;
        if (--open == 0) waitedNanos += System.nanoTime() - waitingSince;
    }

    /** Ends the waiting time of all pending misses. */
    void abandoned() {
        if (open > 0) waitedNanos += System.nanoTime() - waitingSince;
        open = 0;
    }

    void noteFault() {
        faults++;
    }

    void noteUnasked() {
        unasked++;
    }

    void invalidated(AddressRange range, int entries) {
        dropped += entries;
        if (Long.compareUnsigned(range.last() - range.first(), WHOLESALE_BYTES - 1) >= 0) {
            wholesale++;
            droppedWholesale += entries;
        } else {
            exact++;
        }
    }

    /** Whether any bus address was translated to a different guest address. */
    public boolean isTranslating() {
        return translating;
    }

    /** Misses sent to the front-end. */
    public long misses() {
        return asked;
    }

    /** Misses that were refused. */
    public long refused() {
        return refused;
    }

    /** Accesses that failed because of a refusal; not counting requests ahead of need, or of a queue that stopped. */
    public long faults() {
        return faults;
    }

    /** Translations that were not requested, and were ignored. */
    public long unasked() {
        return unasked;
    }

    /** Nanoseconds for which at least one miss was pending. */
    public long waitedNanos() {
        return waitedNanos;
    }

    /** Invalidations of single buffers. */
    public long exactInvalidations() {
        return exact;
    }

    /** Invalidations of 1 GiB and more: the VM's IOMMU invalidates everything at once. */
    public long wholesaleInvalidations() {
        return wholesale;
    }

    /** Entries that were invalidated. */
    public long droppedEntries() {
        return dropped;
    }

    /** Entries dropped by wholesale invalidations, most of which will miss again. */
    public long droppedWholesale() {
        return droppedWholesale;
    }
}
