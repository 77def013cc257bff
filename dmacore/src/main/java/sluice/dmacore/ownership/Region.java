package sluice.dmacore.ownership;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * A stretch of cache lines and the state of each, held as intervals of equal state. Several buffers may look at it. Guarded by
 * the lock of its {@link AliasGroup}.
 *
 * <p>States are bits: which holders may read, and which may write; and those from whom a CPU access has borrowed.
 */
final class Region {
    /** Holders of one region: a bit each. */
    static final int MOST_HOLDERS = Long.SIZE;

    static final Region NONE = new Region(0);

    private final int lines;
    private int count = 1;
    private int[] start = new int[4];
    private LineState[] cpu = new LineState[4];
    private long[] readers = new long[4];
    private long[] writers = new long[4];
    private long[] lentReaders = new long[4];
    private long[] lentWriters = new long[4];

    private @Nullable Holder[] holders = new Holder[2];
    private int holderCount;
    private long coherent;
    /** Views of it whose CPU writers do not all tell. */
    private int unseenViews;

    Region(int lines) {
        this.lines = lines;
        cpu[0] = LineState.UNKNOWN;
    }

    // ---- holders

    /** The bit of a holder, which has one from now on; 0 if there are too many. */
    long join(Holder holder) {
        int free = -1;
        for (int i = 0; i < holderCount; i++) {
            if (holder.equals(holders[i])) return 1L << i;
            if (holders[i] == null && free < 0) free = i;
        }
        if (free < 0) {
            if (holderCount == MOST_HOLDERS) return 0;
            free = holderCount++;
            if (free == holders.length) holders = Arrays.copyOf(holders, free * 2);
        }
        holders[free] = holder;
        if (holder.coherent()) coherent |= 1L << free;
        return 1L << free;
    }

    /** The bit of a holder, or 0 if it has none. */
    long bit(Holder holder) {
        for (int i = 0; i < holderCount; i++) {
            if (holder.equals(holders[i])) return 1L << i;
        }
        return 0;
    }

    /** Takes everything from a holder. */
    void leave(Holder holder) {
        long bit = bit(holder);
        if (bit == 0) return;
        for (int i = 0; i < count; i++) {
            readers[i] &= ~bit;
            writers[i] &= ~bit;
            lentReaders[i] &= ~bit;
            lentWriters[i] &= ~bit;
        }
        int slot = Long.numberOfTrailingZeros(bit);
        holders[slot] = null;
        coherent &= ~bit;
        while (holderCount > 0 && holders[holderCount - 1] == null)
            holderCount--;
        coalesce(0, count);
    }

    /** The holder with the lowest of these bits. */
    Holder holder(long bits) {
        Holder holder = holders[Long.numberOfTrailingZeros(bits)];
        if (holder == null) throw new IllegalStateException("a bit without a holder");
        return holder;
    }

    /** The bits of the holders that snoop. */
    long coherent() {
        return coherent;
    }

    void addView(boolean unseen) {
        if (unseen) unseenViews++;
    }

    void removeView(boolean unseen) {
        if (unseen) unseenViews--;
    }

    /** A line that the CPU has alone is what its writers make of it, and not all of them tell. */
    void settle(int interval) {
        if (unseenViews == 0 || !isCpuOwned(interval)) return;
        if (cpu[interval] == LineState.CLEAN) cpu[interval] = LineState.UNKNOWN;
        if (cpu[interval] == LineState.STALE) cpu[interval] = LineState.TORN;
    }

    // ---- intervals

    /** The interval that begins at {@code line}; one is made if there is none. */
    int split(int line) {
        if (line == 0) return 0;
        if (line == lines) return count;
        int found = Arrays.binarySearch(start, 0, count, line);
        if (found >= 0) return found;
        int at = -found - 1; // the interval before it holds the line
        if (count == start.length) grow();
        int moved = count - at;
        System.arraycopy(start, at, start, at + 1, moved);
        System.arraycopy(cpu, at - 1, cpu, at, moved + 1);
        System.arraycopy(readers, at - 1, readers, at, moved + 1);
        System.arraycopy(writers, at - 1, writers, at, moved + 1);
        System.arraycopy(lentReaders, at - 1, lentReaders, at, moved + 1);
        System.arraycopy(lentWriters, at - 1, lentWriters, at, moved + 1);
        start[at] = line;
        count++;
        return at;
    }

    private void grow() {
        int size = count * 2;
        start = Arrays.copyOf(start, size);
        cpu = Arrays.copyOf(cpu, size);
        readers = Arrays.copyOf(readers, size);
        writers = Arrays.copyOf(writers, size);
        lentReaders = Arrays.copyOf(lentReaders, size);
        lentWriters = Arrays.copyOf(lentWriters, size);
    }

    /** Makes one of neighbours of equal state, from the interval before {@code first} to the one behind {@code end}. */
    void coalesce(int first, int end) {
        int from = Math.max(first, 1);
        int to = Math.min(end + 1, count);
        if (from >= to) return;
        int keep = from - 1;
        for (int i = from; i < to; i++) {
            if (!equal(keep, i)) move(i, ++keep);
        }
        int gone = to - 1 - keep;
        if (gone == 0) return;
        for (int i = to; i < count; i++) move(i, i - gone);
        count -= gone;
    }

    private boolean equal(int a, int b) {
        return cpu[a] == cpu[b] && readers[a] == readers[b] && writers[a] == writers[b]
                && lentReaders[a] == lentReaders[b] && lentWriters[a] == lentWriters[b];
    }

    private void move(int from, int to) {
        if (from == to) return;
        start[to] = start[from];
        cpu[to] = cpu[from];
        readers[to] = readers[from];
        writers[to] = writers[from];
        lentReaders[to] = lentReaders[from];
        lentWriters[to] = lentWriters[from];
    }

    /** The interval that holds {@code line}. */
    int at(int line) {
        if (count == 1) return 0;
        int found = Arrays.binarySearch(start, 0, count, line);
        return found >= 0 ? found : -found - 2;
    }

    /** First line of an interval; that of one more than the last is the number of lines. */
    int start(int interval) {
        return interval == count ? lines : start[interval];
    }

    LineState cpu(int interval) {
        return cpu[interval];
    }

    void setCpu(int interval, LineState state) {
        cpu[interval] = state;
    }

    long readers(int interval) {
        return readers[interval];
    }

    long writers(int interval) {
        return writers[interval];
    }

    /** Whether nobody but the CPU owns it. */
    boolean isCpuOwned(int interval) {
        return (readers[interval] | writers[interval]) == 0;
    }

    long lentWriters(int interval) {
        return lentWriters[interval];
    }

    long lent(int interval) {
        return lentReaders[interval] | lentWriters[interval];
    }

    /** Gives an interval to a holder, with what it is for. */
    void own(int interval, long bit, Direction direction) {
        if (direction.deviceReads()) readers[interval] |= bit;
        if (direction.deviceWrites()) writers[interval] |= bit;
    }

    /** Takes an interval from a holder. */
    void disown(int interval, long bit) {
        readers[interval] &= ~bit;
        writers[interval] &= ~bit;
        lentReaders[interval] &= ~bit;
        lentWriters[interval] &= ~bit;
    }

    /** The CPU borrows an interval of all its holders. */
    void lend(int interval) {
        lentReaders[interval] |= readers[interval];
        lentWriters[interval] |= writers[interval];
        readers[interval] = 0;
        writers[interval] = 0;
    }

    /** The holders get an interval back. */
    void giveBack(int interval) {
        readers[interval] |= lentReaders[interval];
        writers[interval] |= lentWriters[interval];
        lentReaders[interval] = 0;
        lentWriters[interval] = 0;
    }
}
