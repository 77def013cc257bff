package sluice.vdev.tw686x;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import sluice.vdev.device.FunctionContext;

/**
 * A list of pages in guest memory: entries of two little-endian words, flags in the first's bits 31 to 29 and a length in bytes in its
 * bits 12 to 0, and the address of that many bytes.
 */
final class PageList {
    /** Flag of a valid entry. */
    private static final int VALID = 1 << 30;
    private static final int LENGTH_MASK = 0x1fff;
    private static final int ENTRY_BYTES = 8;
    /** Limits of a channel's configuration. */
    private static final int MOST_ENTRIES = 1 << 10;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[Integer.BYTES]);

    private final MemorySegment entries = MemorySegment.ofArray(new byte[MOST_ENTRIES * ENTRY_BYTES]);
    /** Of {@link #write}. */
    private final long[] written = new long[2 * MOST_ENTRIES];
    private int writtenCount;
    private long address;
    private int count;

    /**
     * Reads a list from guest memory.
     *
     * @param table bus address of the table
     * @param first entry of the list in the table, 0 to 1023
     * @param last entry, 0 to 1023
     * @return whether it was readable and has entries
     */
    boolean read(FunctionContext context, long table, int first, int last) {
        count = Math.max(0, last - first + 1);
        address = table + (long) first * ENTRY_BYTES;
        return count > 0 && context.read(address, entries, 0, (long) count * ENTRY_BYTES) == FunctionContext.Dma.DONE;
    }

    /** Whether its first entry is valid. */
    boolean begins() {
        return (entries.get(INT, 0) & VALID) != 0;
    }

    /**
     * Writes bytes to its pages.
     *
     * @return whether all of them were writable
     */
    boolean write(FunctionContext context, MemorySegment bytes, int length) {
        int done = 0;
        writtenCount = 0;
        for (int i = 0; i < count && done < length; i++) {
            int head = entries.get(INT, (long) i * ENTRY_BYTES);
            if ((head & VALID) == 0) return false;
            int piece = Math.min(head & LENGTH_MASK, length - done);
            if (piece == 0) continue;
            long target = Integer.toUnsignedLong(entries.get(INT, (long) i * ENTRY_BYTES + Integer.BYTES));
            if (context.write(target, bytes, done, piece) != FunctionContext.Dma.DONE) return false;
            written[2 * writtenCount] = target;
            written[2 * writtenCount + 1] = piece;
            writtenCount++;
            done += piece;
        }
        return done == length;
    }

    /** Where the last {@link #write} has written: pairs of an address and a length; valid until the next. */
    long[] written() {
        return written;
    }

    /** Number of pairs in {@link #written}. */
    int writtenCount() {
        return writtenCount;
    }

    /**
     * Invalidates its first entry in guest memory, so that it {@linkplain #begins begins} when the driver has rewritten
     * it.
     */
    void strike(FunctionContext context) {
        context.write(address, NOTHING, 0, NOTHING.byteSize());
    }
}
