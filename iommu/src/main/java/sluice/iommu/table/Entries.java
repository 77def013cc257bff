package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

import static sluice.iommu.Targets.PAGE_SHIFT;

/** How arrays of entries are written while others read them. */
final class Entries {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(long[].class);

    private Entries() {}

    /** Clears an entry and returns what it was at that moment. */
    static long take(long[] entries, int index) {
        return (long) ENTRY.getAndSet(entries, index, 0L);
    }

    static boolean replace(long[] entries, int index, long expected, long entry) {
        return ENTRY.compareAndSet(entries, index, expected, entry);
    }

    /** Takes and gives bits, and settles; leaves an absent entry absent. Returns the entry as it was. */
    static long change(long[] entries, int index, long takeBits, long giveBits) {
        while (true) {
            long entry = (long) ENTRY.getOpaque(entries, index);
            if (entry == 0) return 0;
            long changed = Entry.settled((entry & ~takeBits) | giveBits);
            // A reader may have marked the page dirty in between.
            if (changed == entry || ENTRY.compareAndSet(entries, index, entry, changed)) return entry;
        }
    }

    /**
     * Writes entries of consecutive small pages, with plain stores: an entry says all by itself, in whatever order they
     * appear. What was written to the memory behind them before {@link #begin} appears no later than they do.
     */
    static void fill(long[] entries, int from, int count, long target, long flags) {
        long entry = Entry.of(target, flags, Entry.SMALL);
        for (int i = 0; i < count; i++) entries[from + i] = entry + ((long) i << PAGE_SHIFT);
    }

    /** To be called before entries are written. */
    static void begin() {
        VarHandle.releaseFence();
    }

    /** Clears entries, with plain stores: whoever takes something away runs a full fence before he looks for readers. */
    static void clear(long[] entries, int from, int end) {
        Arrays.fill(entries, from, end, 0);
    }
}
