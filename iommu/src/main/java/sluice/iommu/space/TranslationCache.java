package sluice.iommu.space;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.epoch.Readers;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.injection.Rule;
import sluice.iommu.injection.Rules;
import sluice.iommu.space.HeldEntries.Held;
import sluice.iommu.table.Entry;
import sluice.iommu.table.RadixTable;

/**
 * A cache of another party's translations: an absent entry is a miss, not a fault. Readers, table and guarantees about
 * invalidated entries are those of an {@link IoSpace}.
 *
 * <p>An entry grants only what misses have proven; further proofs for the same pages are added.
 */
public final class TranslationCache {
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private final TranslationCacheOptions options;
    private final ReentrantLock lock = new ReentrantLock();
    private final RadixTable table;
    private final HeldEntries held = new HeldEntries();
    private final Rules rules = new Rules();
    private final FaultLog faults;
    private final Readers readers;
    private final Misses misses = new Misses();
    private final TargetRuns scratch = new TargetRuns();
    private final long lastAddress;
    /**
     * Number of changes with cleared entries that may still be in use: waiting ones, and evictions since the last wait.
     */
    private int waiting;
    private boolean evicted;

    private TranslationCache(TranslationCacheOptions options) {
        this.options = options;
        table = new RadixTable(options.addressBits(), PageSizes.X86);
        faults = new FaultLog(options.faultCapacity(), options.faultListener());
        readers = new Readers(options.barrier());
        lastAddress = (1L << options.addressBits()) - 1;
    }

    /** An empty cache. */
    public static TranslationCache open(TranslationCacheOptions options) {
        return new TranslationCache(options);
    }

    public TranslationCacheOptions options() {
        return options;
    }

    /** A reader for the calling thread only. */
    public Reader openReader() {
        return new Reader(readers.open(), table, misses);
    }

    public FaultLog faults() {
        return faults;
    }

    /** Entries held. */
    public int size() {
        lock.lock();
        try {
            return held.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds an entry. Permissions of an existing entry with the same target are added; one with another target is
     * dropped. The oldest entries are evicted.
     *
     * @param iova a multiple of 4 KiB, as are {@code length} and {@code target}
     * @param length in bytes, more than 0
     * @param proven the permission of the miss, not that of the answer
     * @throws MapException if it is misaligned, or not inside of the cache's addresses; nothing is changed
     */
    public void insert(long iova, long length, long target, Permission proven) throws MapException {
        Held fresh = new Held(checked(iova, length, target), target, proven);
        lock.lock();
        try {
            List<Held> overlapping = held.overlapping(fresh.range);
            if (overlapping.size() == 1 && isPartOf(fresh, overlapping.getFirst())) return;
            merge(fresh, overlapping);
            while (held.size() > options.capacity() || isTableLarge()) {
                Held oldest = held.oldest();
                if (oldest == null) break;
                drop(oldest);
                evicted = true;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The last entry is exempt from the size limit. */
    private boolean isTableLarge() {
        return table.bytes() > TranslationCacheOptions.MOST_TABLE_BYTES && held.size() > 1;
    }

    private AddressRange checked(long iova, long length, long target) throws MapException {
        long last = iova + length - 1;
        if (((iova | length | target) & (Targets.PAGE_SIZE - 1)) != 0 || length <= 0) {
            throw new MapException(Refusal.MISALIGNED,
                    "%s: an entry of 0x%x bytes from 0x%x to target 0x%x does not begin and end at a page of 0x1000 bytes"
                            .formatted(options.name(), length, iova, target));
        }
        if (iova < 0 || Long.compareUnsigned(last, lastAddress) > 0 || target < 0
                || target > Targets.MAX - (length - 1)) {
            throw new MapException(Refusal.OUT_OF_APERTURE,
                    "%s: an entry of 0x%x bytes from 0x%x to target 0x%x exceeds addresses of %d bits or targets of 52"
                            .formatted(options.name(), length, iova, target, options.addressBits()));
        }
        return new AddressRange(iova, last);
    }

    /** Whether the entry repeats a known one. */
    private static boolean isPartOf(Held fresh, Held known) {
        return known.distance() == fresh.distance() && known.range.contains(fresh.range.first())
                && known.range.contains(fresh.range.last())
                && known.permission.union(fresh.permission) == known.permission;
    }

    private void merge(Held fresh, List<Held> overlapping) {
        for (Held old : overlapping) drop(old);
        long at = fresh.range.first();
        for (Held old : overlapping) {
            if (old.distance() != fresh.distance()) {
                evicted = true;
                continue;
            }
            AddressRange both = old.range.intersection(fresh.range);
            if (old.range.first() < both.first())
                keep(old.part(new AddressRange(old.range.first(), both.first() - 1), old.permission));
            if (at < both.first())
                keep(fresh.part(new AddressRange(at, both.first() - 1), fresh.permission));
            keep(fresh.part(both, fresh.permission.union(old.permission)));
            if (both.last() < old.range.last())
                keep(old.part(new AddressRange(both.last() + 1, old.range.last()), old.permission));
            at = both.last() + 1;
        }
        if (at <= fresh.range.last())
            keep(fresh.part(new AddressRange(at, fresh.range.last()), fresh.permission));
    }

    private void keep(Held entry) {
        held.add(entry);
        scratch.clear();
        scratch.add(entry.target, entry.range.size());
        table.map(entry.range.first(), scratch, 0, 1, Entry.flags(entry.permission), Long.MAX_VALUE);
    }

    private void drop(Held entry) {
        held.remove(entry);
        AddressRange gap = held.gapAround(entry.range);
        table.clear(entry.range.first(), entry.range.last(), gap.first(), gap.last());
    }

    private void dropAll() {
        if (held.size() > 0) table.clearAll();
        held.clear();
    }

    /**
     * Drops every entry that overlaps a range, as a whole, and returns when no reader can still use it, or the bound
     * has expired. The cost depends on the entries in the range, not on its length; the range of all addresses is
     * cheap.
     *
     * @throws IllegalStateException if called in a read section of the calling thread
     */
    public Invalidated invalidate(AddressRange range) {
        readers.refuseInsideSection();
        return rules.losesInvalidation(range) ? new Invalidated(0, 0) : forget(range);
    }

    /** As {@link #invalidateAll}, but not subject to rules: the device restarts. */
    public Invalidated clear() {
        readers.refuseInsideSection();
        return forget(EVERYTHING);
    }

    private Invalidated forget(AddressRange range) {
        int dropped;
        boolean idle;
        lock.lock();
        try {
            if (range.first() == 0 && range.contains(lastAddress)) {
                dropped = held.size();
                dropAll();
            } else {
                List<Held> overlapping = held.overlapping(range);
                dropped = overlapping.size();
                if (dropped == held.size()) {
                    dropAll();
                } else {
                    for (Held entry : overlapping) drop(entry);
                }
            }
            idle = dropped == 0 && waiting == 0 && !evicted;
            evicted = false;
            if (!idle) waiting++;
        } finally {
            lock.unlock();
        }
        return idle ? new Invalidated(0, 0) : new Invalidated(dropped, awaitReaders(range));
    }

    private int awaitReaders(AddressRange range) {
        int overrun;
        try {
            overrun = readers.await(System.nanoTime() + options.unmapBound().toNanos());
        } finally {
            lock.lock();
            try {
                waiting--;
            } finally {
                lock.unlock();
            }
        }
        if (overrun > 0) record(FaultContext.NONE, range.first(), null, range.size(), FaultReason.TIMEOUT);
        return overrun;
    }

    /** Drops everything. */
    public Invalidated invalidateAll() {
        return invalidate(EVERYTHING);
    }

    /** Records a refused miss: the driver passed an address that it had not mapped. */
    public FaultRecord refused(FaultContext context, long iova, long length, Access access) {
        return record(context, iova, access, length, FaultReason.FRONT_MISS_REFUSED);
    }

    private FaultRecord record(FaultContext context, long iova, @Nullable Access access,
            long length, FaultReason reason) {
        return faults.add(options.name(), context, iova, access, length, reason, null, null, null, null);
    }

    /**
     * Adds a rule that drops invalidations.
     *
     * @throws IllegalArgumentException for other rules, which apply to an {@link IoSpace} only
     */
    public void inject(Rule rule) {
        if (!(rule instanceof Rule.DropInvalidation))
            throw new IllegalArgumentException("a cache knows only rules that drop invalidations, not " + rule);
        rules.add(rule);
    }

    /** Removes the rule of this name. Returns whether there was one. */
    public boolean withdraw(String name) {
        return rules.remove(name) != null;
    }

    /** The slow path of readers: misses. */
    private final class Misses implements Unresolved {
        @Override
        public long resolve(Reader reader, long iova, long length, Access access, TargetRuns target) {
            lock.lock();
            try {
                // An entry may be absent briefly while it is merged with another.
                if (Entry.grants(table.entry(iova), access))
                    return table.walk(iova, length, Entry.granted(access), target);
            } finally {
                lock.unlock();
            }
            reader.fail(Outcome.MISS, iova, access, null);
            return 0;
        }

        @Override
        public void revoked(Reader reader, long iova, long length, Access access) {
            reader.fail(Outcome.FAULT, iova, access,
                    record(reader.context(), iova, access, length, FaultReason.TIMEOUT));
        }

        @Override
        public void notContiguous(Reader reader, long iova, long length, Access access) {
            reader.fail(Outcome.FAULT, iova, access,
                    record(reader.context(), iova, access, length, FaultReason.NOT_CONTIGUOUS));
        }

        @Override
        public boolean awaitMapped(Reader reader) {
            return false;
        }

        @Override
        public void close(Reader reader) {
            readers.close(reader.section());
        }
    }
}
