package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

import sluice.iommu.AddressRange;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

import static sluice.iommu.Targets.PAGE_SHIFT;
import static sluice.iommu.Targets.PAGE_SIZE;

/**
 * A flat table with one entry for each 4 KiB page of a bounded range, like a GPU's GART. All entries are small pages, whatever page
 * sizes were requested. The entries are in chunks, of which only those that were used exist: to clear all 8 MiB of a new table takes
 * tens of milliseconds, which a VM would wait for. A chunk stays until the table's end.
 */
public final class FlatTable implements Table {
    /** The largest range of a flat table: 8 MiB of entries. */
    public static final long MAX_BYTES = 1L << 32;
    private static final long OFFSET = PAGE_SIZE - 1;
    private static final int CHUNK_SHIFT = 12;
    /** Entries of a chunk: 32 KiB, for 16 MiB of the range. */
    static final int CHUNK = 1 << CHUNK_SHIFT;
    /** In place of a chunk that was never used; it is not written. */
    private static final long[] UNUSED = new long[CHUNK];
    private static final VarHandle CHUNKS = MethodHandles.arrayElementVarHandle(long[][].class);

    private final long base;
    private final long pages;
    private final long[][] chunks;
    private int used;

    /** @param covered at most {@link #MAX_BYTES} bytes */
    public FlatTable(AddressRange covered) {
        base = covered.first() & -PAGE_SIZE;
        pages = ((covered.last() - base) >>> PAGE_SHIFT) + 1;
        if (pages > MAX_BYTES >>> PAGE_SHIFT) {
            throw new IllegalArgumentException(
                    "a flat table covers at most 0x%x bytes; %s is larger".formatted(MAX_BYTES, covered));
        }
        chunks = new long[(int) ((pages + CHUNK - 1) >>> CHUNK_SHIFT)][];
        Arrays.fill(chunks, UNUSED);
    }

    /** Index of the page, or a number not below the number of pages. */
    private long page(long iova) {
        return (iova - base) >>> PAGE_SHIFT;
    }

    private int index(long iova) {
        return (int) ((iova - base) >>> PAGE_SHIFT);
    }

    private long iova(int index) {
        return base + ((long) index << PAGE_SHIFT);
    }

    private long at(int index) {
        return chunks[index >>> CHUNK_SHIFT][index & (CHUNK - 1)];
    }

    @SuppressWarnings("ReferenceEquality")
    private static boolean isUsed(long[] chunk) {
        return chunk != UNUSED;
    }

    /** The chunk of a page that is written next. */
    private long[] chunk(int index) {
        int number = index >>> CHUNK_SHIFT;
        long[] chunk = chunks[number];
        if (isUsed(chunk)) return chunk;
        long[] fresh = new long[CHUNK];
        CHUNKS.setRelease(chunks, number, fresh);
        used++;
        return fresh;
    }

    @Override
    public long entry(long iova) {
        long page = page(iova);
        return page < pages ? at((int) page) : 0;
    }

    @Override
    public long target(long iova, long need) {
        long page = page(iova);
        if (page < pages) {
            long entry = at((int) page);
            if ((entry & need) != 0) return Entry.frame(entry) | (iova & OFFSET);
        }
        return Targets.NONE;
    }

    @Override
    public long walk(long iova, long length, long need, TargetRuns target) {
        long first = page(iova);
        if (first >= pages) return 0;
        int index = (int) first;
        long[] chunk = chunks[index >>> CHUNK_SHIFT];
        long entry = chunk[index & (CHUNK - 1)];
        if ((entry & need) == 0) return 0;
        long into = iova & OFFSET;
        long runTarget = Entry.frame(entry) | into;
        long runLength = PAGE_SIZE - into;
        long done = 0; // bytes in earlier runs
        while (runLength < length - done && ++index < pages) {
            int in = index & (CHUNK - 1);
            if (in == 0) chunk = chunks[index >>> CHUNK_SHIFT];
            entry = chunk[in];
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
        int index = index(iova);
        Entries.begin();
        for (int run = firstRun; run < endRun; run++) {
            long target = runs.target(run);
            long length = runs.length(run);
            if (length == PAGE_SIZE) {
                chunk(index)[index & (CHUNK - 1)] = Entry.of(target, flags, Entry.SMALL);
                index++;
            } else {
                int end = index + (int) (length >>> PAGE_SHIFT);
                while (index < end) {
                    int in = index & (CHUNK - 1);
                    int count = Math.min(end - index, CHUNK - in);
                    Entries.fill(chunk(index), in, count, target, flags);
                    target += (long) count << PAGE_SHIFT;
                    index += count;
                }
            }
        }
        return true;
    }

    @Override
    public void clear(long first, long last, long gapFirst, long gapLast) {
        int end = index(last) + 1;
        for (int index = index(first); index < end; index = nextChunk(index)) {
            long[] chunk = chunks[index >>> CHUNK_SHIFT];
            int in = index & (CHUNK - 1);
            if (isUsed(chunk)) Entries.clear(chunk, in, Math.min(CHUNK, in + end - index));
        }
    }

    /** Index of the first page of the next chunk. */
    private static int nextChunk(int index) {
        return (index | (CHUNK - 1)) + 1;
    }

    @Override
    public void change(long first, long last, long takeBits, long giveBits) {
        int end = index(last) + 1;
        for (int i = index(first); i < end; i++)
            Entries.change(chunks[i >>> CHUNK_SHIFT], i & (CHUNK - 1), takeBits, giveBits);
    }

    @Override
    public boolean give(long iova, long expected, long bits) {
        long page = page(iova);
        if (expected == 0 || page >= pages) return false;
        int index = (int) page;
        return Entries.replace(chunks[index >>> CHUNK_SHIFT], index & (CHUNK - 1), expected,
                Entry.settled(expected | bits));
    }

    @Override
    public void dirty(long first, long last, boolean clear, PageConsumer consumer) {
        int end = index(last) + 1;
        for (int i = index(first); i < end; i++) {
            if ((at(i) & Entry.DIRTY) == 0) continue;
            if (clear) Entries.change(chunks[i >>> CHUNK_SHIFT], i & (CHUNK - 1), Entry.DIRTY, 0);
            consumer.accept(iova(i), PAGE_SIZE);
        }
    }

    @Override
    public long room() {
        return (long) used * CHUNK;
    }
}
