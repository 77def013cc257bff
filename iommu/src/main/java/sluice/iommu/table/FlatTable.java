package sluice.iommu.table;

import sluice.iommu.AddressRange;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

import static sluice.iommu.Targets.PAGE_SHIFT;
import static sluice.iommu.Targets.PAGE_SIZE;

/**
 * A flat table with one entry for each 4 KiB page of a bounded range, like a GPU's GART: a lookup is one load. All
 * entries are small pages, whatever page sizes were requested.
 */
public final class FlatTable implements Table {
    /** The largest range of a flat table: 8 MiB of entries. */
    public static final long MAX_BYTES = 1L << 32;
    private static final long OFFSET = PAGE_SIZE - 1;

    private final long base;
    private final long[] entries;

    /** @param covered at most {@link #MAX_BYTES} bytes */
    public FlatTable(AddressRange covered) {
        base = covered.first() & -PAGE_SIZE;
        long pages = ((covered.last() - base) >>> PAGE_SHIFT) + 1;
        if (pages > MAX_BYTES >>> PAGE_SHIFT) {
            throw new IllegalArgumentException(
                    "a flat table covers at most 0x%x bytes; %s is larger".formatted(MAX_BYTES, covered));
        }
        entries = new long[(int) pages];
    }

    /** Index of the page, or a number not below the table's length. */
    private long page(long iova) {
        return (iova - base) >>> PAGE_SHIFT;
    }

    private int index(long iova) {
        return (int) ((iova - base) >>> PAGE_SHIFT);
    }

    private long iova(int index) {
        return base + ((long) index << PAGE_SHIFT);
    }

    @Override
    public long entry(long iova) {
        long page = page(iova);
        return page < entries.length ? entries[(int) page] : 0;
    }

    @Override
    public long target(long iova, long need) {
        long page = page(iova);
        long[] all = entries;
        if (page < all.length) {
            long entry = all[(int) page];
            if ((entry & need) != 0) return Entry.frame(entry) | (iova & OFFSET);
        }
        return Targets.NONE;
    }

    @Override
    public long walk(long iova, long length, long need, TargetRuns target) {
        long page = page(iova);
        long[] all = entries;
        if (page >= all.length) return 0;
        int index = (int) page;
        long entry = all[index];
        if ((entry & need) == 0) return 0;
        long into = iova & OFFSET;
        long runTarget = Entry.frame(entry) | into;
        long runLength = PAGE_SIZE - into;
        long done = 0; // bytes in earlier runs
        while (runLength < length - done && ++index < all.length) {
            entry = all[index];
            if ((entry & need) == 0) break;
            long frame = Entry.frame(entry);
            if (frame != runTarget + runLength) {
                target.add(runTarget, runLength);
                done += runLength;
                runTarget = frame;
                runLength = 0;
            }
            runLength += PAGE_SIZE;
        }
        runLength = Math.min(runLength, length - done);
        target.add(runTarget, runLength);
        return done + runLength;
    }

    @Override
    public boolean map(long iova, TargetRuns runs, int firstRun, int endRun, long flags, long mostBytes) {
        long[] all = entries;
        int index = index(iova);
        Entries.begin();
        // As many bytes as runs have pages: each is a page.
        if (runs.bytes() == runs.count() * PAGE_SIZE) {
            for (int run = firstRun; run < endRun; run++) all[index++] = Entry.of(runs.target(run), flags, Entry.SMALL);
            return true;
        }
        for (int run = firstRun; run < endRun; run++) {
            long target = runs.target(run);
            long length = runs.length(run);
            if (length == PAGE_SIZE) {
                all[index++] = Entry.of(target, flags, Entry.SMALL);
            } else {
                int pages = (int) (length >>> PAGE_SHIFT);
                Entries.fill(all, index, pages, target, flags);
                index += pages;
            }
        }
        return true;
    }

    @Override
    public void clear(long first, long last, long gapFirst, long gapLast) {
        Entries.clear(entries, index(first), index(last) + 1);
    }

    @Override
    public void change(long first, long last, long takeBits, long giveBits) {
        int end = index(last) + 1;
        for (int i = index(first); i < end; i++) Entries.change(entries, i, takeBits, giveBits);
    }

    @Override
    public boolean give(long iova, long expected, long bits) {
        long page = page(iova);
        return expected != 0 && page < entries.length
                && Entries.replace(entries, (int) page, expected, Entry.settled(expected | bits));
    }

    @Override
    public void dirty(long first, long last, boolean clear, PageConsumer consumer) {
        int end = index(last) + 1;
        for (int i = index(first); i < end; i++) {
            if ((entries[i] & Entry.DIRTY) == 0) continue;
            if (clear) Entries.change(entries, i, Entry.DIRTY, 0);
            consumer.accept(iova(i), PAGE_SIZE);
        }
    }

    @Override
    public long room() {
        return entries.length;
    }
}
