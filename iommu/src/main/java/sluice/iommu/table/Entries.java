package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

import static sluice.iommu.Targets.PAGE_SHIFT;

/** Writes arrays of entries that are read concurrently. */
final class Entries {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(long[].class);

    private Entries() {}

    /** Clears an entry and returns its previous value. */
    static long take(long[] entries, int index) {
        return (long) ENTRY.getAndSet(entries, index, 0L);
    }

    static boolean replace(long[] entries, int index, long expected, long entry) {
        return ENTRY.compareAndSet(entries, index, expected, entry);
    }

    /** Clears and sets bits, and settles the entry; an absent entry stays absent. Returns the previous entry. */
    static long change(long[] entries, int index, long takeBits, long giveBits) {
        while (true) {
            long entry = (long) ENTRY.getOpaque(entries, index);
            if (entry == 0) return 0;
            long changed = Entry.settled((entry & ~takeBits) | giveBits);
            // A reader may have marked the page dirty concurrently.
            if (changed == entry || ENTRY.compareAndSet(entries, index, entry, changed)) return entry;
        }
    }

    /**
     * Writes entries of consecutive small pages, with plain stores: entries are independent of each other, so their
     * order does not matter. Stores to the mapped memory before {@link #begin} are visible no later than the entries.
     */
    static void fill(long[] entries, int from, int count, long target, long flags) {
        long entry = Entry.of(target, flags, Entry.SMALL);
        for (int i = 0; i < count; i++) entries[from + i] = entry + ((long) i << PAGE_SHIFT);
    }

    /** Called before entries are written. */
    static void begin() {
        VarHandle.releaseFence();
    }

    /** Clears entries, with plain stores: the caller executes a full fence before it waits for readers. */
    static void clear(long[] entries, int from, int end) {
        Arrays.fill(entries, from, end, 0);
    }
}
