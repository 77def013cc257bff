package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** How arrays of entries are written while others read them: entries are released, and changed by compare-and-set. */
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

    /** Writes entries of consecutive small pages. */
    static void fill(long[] entries, int from, int count, long target, long flags) {
        long entry = Entry.of(target, flags, Entry.SMALL);
        for (int i = from; i < from + count; i++) {
            ENTRY.setRelease(entries, i, entry);
            entry += 0x1000;
        }
    }

    static void clear(long[] entries, int from, int end) {
        for (int i = from; i < end; i++) ENTRY.setRelease(entries, i, 0L);
    }
}
