package sluice.dmacore.memory;

import sluice.iommu.AddressRange;

/** What the VM's IOMMU has cost a device so far. Kept on the device's thread. */
public final class IotlbStatistics {
    /** An invalidation of so much is meant for everything: no driver maps a buffer of this size. */
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

    /** Whatever was asked is not waited for any more. */
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

    /** Whether any bus address led elsewhere than to the guest address of the same number. */
    public boolean isTranslating() {
        return translating;
    }

    /** Questions sent to the front-end: misses of the cache. */
    public long misses() {
        return asked;
    }

    /** Questions that were answered with no. */
    public long refused() {
        return refused;
    }

    /** Accesses that failed because of such an answer. Of questions asked ahead, or by a queue that stops, nobody hears. */
    public long faults() {
        return faults;
    }

    /** Entries that came without a question, and were left alone. */
    public long unasked() {
        return unasked;
    }

    /** For how long at least one question was without its answer, in nanoseconds. */
    public long waitedNanos() {
        return waitedNanos;
    }

    /** Invalidations of single buffers. */
    public long exactInvalidations() {
        return exact;
    }

    /** Invalidations of 1 GiB and more: the VM's IOMMU takes everything away at once. */
    public long wholesaleInvalidations() {
        return wholesale;
    }

    /** Entries that were invalidated. */
    public long droppedEntries() {
        return dropped;
    }

    /** Entries that were invalidated wholesale, most of which will be asked for again. */
    public long droppedWholesale() {
        return droppedWholesale;
    }
}
