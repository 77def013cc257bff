package sluice.dmacore.ownership;

import java.util.Arrays;

/**
 * A stretch of cache lines and the state of each, held as intervals of equal state. Several buffers may look at it. Guarded by
 * the lock of its {@link AliasGroup}.
 *
 * <p>Each line has its holders. States are bits of these: which may read, and which may write; and those from whom CPU accesses
 * have borrowed, with how many of these are open.
 *
 * <p>Where another buffer's lines begin or end an interval is kept, even between equals: or each walk over thousands of pages that
 * two buffers share would cut it there, and join it again, and each time move all that lie behind.
 */
final class Region {
    static final Region NONE = new Region(0);
    /** So many lines are pinned one by one. */
    private static final int FEW = 8;

    private final int lines;
    private int count = 1;
    private int[] start = new int[4];
    private LineState[] cpu = new LineState[4];
    private Holders[] holders = new Holders[4];
    private long[] readers = new long[4];
    private long[] writers = new long[4];
    private long[] lentReaders = new long[4];
    private long[] lentWriters = new long[4];
    private int[] accesses = new int[4];
    /** How many buffers want an interval to begin here. */
    private int[] pins = new int[4];
    /** Views of it whose CPU writers do not all tell. */
    private int unseenViews;

    Region(int lines) {
        this.lines = lines;
        cpu[0] = LineState.UNKNOWN;
        holders[0] = Holders.NONE;
    }

    // ---- holders

    /** Whether a holder can join an interval, or has joined it: there may be {@link Holders#MOST}. */
    boolean hasRoom(int interval, Holder holder) {
        return !holders[interval].isFull() || bit(interval, holder) != 0;
    }

    /** Whether nobody can join an interval any more. */
    boolean isFull(int interval) {
        return holders[interval].isFull();
    }

    /** Lets a holder own an interval from now on; it has room for it. */
    void join(int interval, Holder holder) {
        if (bit(interval, holder) != 0) return;
        Holders more = holders[interval].with(holder);
        if (interval > 0 && more.equals(holders[interval - 1])) more = holders[interval - 1];
        holders[interval] = more;
        long bit = more.bit(holder);
        readers[interval] = Holders.widened(readers[interval], bit);
        writers[interval] = Holders.widened(writers[interval], bit);
        lentReaders[interval] = Holders.widened(lentReaders[interval], bit);
        lentWriters[interval] = Holders.widened(lentWriters[interval], bit);
    }

    /** The bit that a holder has in an interval, or 0 if it has not joined it. */
    long bit(int interval, Holder holder) {
        return holders[interval].bit(holder);
    }

    /** Takes an interval from a holder, for good. */
    void leave(int interval, Holder holder) {
        long bit = bit(interval, holder);
        if (bit == 0) return;
        Holders fewer = holders[interval].without(bit);
        if (interval > 0 && fewer.equals(holders[interval - 1])) fewer = holders[interval - 1];
        holders[interval] = fewer;
        readers[interval] = Holders.narrowed(readers[interval], bit);
        writers[interval] = Holders.narrowed(writers[interval], bit);
        lentReaders[interval] = Holders.narrowed(lentReaders[interval], bit);
        lentWriters[interval] = Holders.narrowed(lentWriters[interval], bit);
    }

    /** One of the holders with these bits in an interval. */
    Holder holder(int interval, long bits) {
        return holders[interval].first(bits);
    }

    /** The bits of an interval's holders that snoop. */
    long coherent(int interval) {
        return holders[interval].coherent();
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
        if (count == start.length) grow(count * 2);
        int moved = count - at;
        move(at - 1, at, moved + 1);
        start[at] = line;
        pins[at] = 0;
        count++;
        return at;
    }

    /**
     * Keeps intervals apart at some lines, until {@link #unpin}.
     *
     * @param at lines in ascending order, of which the first {@code number} count; the region's ends are left out
     */
    void pin(int[] at, int number) {
        if (number <= FEW) {
            for (int i = 0; i < number; i++) split(at[i]);
        } else {
            insert(at, number);
        }
        for (int i = 0; i < number; i++) {
            if (at[i] > 0 && at[i] < lines) pins[at(at[i])]++;
        }
    }

    /** Takes back what {@link #pin} has done for the same lines. */
    void unpin(int[] at, int number) {
        for (int i = 0; i < number; i++) {
            if (at[i] > 0 && at[i] < lines) pins[at(at[i])]--;
        }
        if (number > FEW) {
            coalesce(0, count);
            return;
        }
        for (int i = 0; i < number; i++) {
            int begins = at(Math.min(at[i], lines - 1));
            coalesce(begins, begins);
        }
    }

    /** Begins intervals at all of these lines, and moves each that is there once. */
    private void insert(int[] at, int number) {
        int[] fresh = new int[number];
        int more = 0;
        for (int i = 0; i < number; i++) {
            if (at[i] <= 0 || at[i] >= lines || (more > 0 && fresh[more - 1] == at[i])) continue;
            if (Arrays.binarySearch(start, 0, count, at[i]) < 0) fresh[more++] = at[i];
        }
        if (count + more > start.length) grow(count + more);
        int from = count - 1;
        for (int next = more - 1; next >= 0;) {
            int to = from + next + 1;
            move(from, to, 1);
            if (start[from] > fresh[next]) {
                from--;
            } else {
                start[to] = fresh[next--];
                pins[to] = 0;
            }
        }
        count += more;
    }

    private void grow(int size) {
        start = Arrays.copyOf(start, size);
        cpu = Arrays.copyOf(cpu, size);
        holders = Arrays.copyOf(holders, size);
        readers = Arrays.copyOf(readers, size);
        writers = Arrays.copyOf(writers, size);
        lentReaders = Arrays.copyOf(lentReaders, size);
        lentWriters = Arrays.copyOf(lentWriters, size);
        accesses = Arrays.copyOf(accesses, size);
        pins = Arrays.copyOf(pins, size);
    }

    /** Makes one of neighbours of equal state that nobody keeps apart, from the interval before {@code first} to the one behind {@code end}. */
    void coalesce(int first, int end) {
        int from = Math.max(first, 1);
        int to = Math.min(end + 1, count);
        if (from >= to) return;
        int keep = from - 1;
        for (int i = from; i < to; i++) {
            if (pins[i] > 0 || !equal(keep, i)) move(i, ++keep, 1);
        }
        int gone = to - 1 - keep;
        if (gone == 0) return;
        move(to, to - gone, count - to);
        count -= gone;
    }

    private boolean equal(int a, int b) {
        return cpu[a] == cpu[b] && readers[a] == readers[b] && writers[a] == writers[b]
                && lentReaders[a] == lentReaders[b] && lentWriters[a] == lentWriters[b]
                && accesses[a] == accesses[b] && holders[a].equals(holders[b]);
    }

    private void move(int from, int to, int intervals) {
        if (from == to) return;
        System.arraycopy(start, from, start, to, intervals);
        System.arraycopy(cpu, from, cpu, to, intervals);
        System.arraycopy(holders, from, holders, to, intervals);
        System.arraycopy(readers, from, readers, to, intervals);
        System.arraycopy(writers, from, writers, to, intervals);
        System.arraycopy(lentReaders, from, lentReaders, to, intervals);
        System.arraycopy(lentWriters, from, lentWriters, to, intervals);
        System.arraycopy(accesses, from, accesses, to, intervals);
        System.arraycopy(pins, from, pins, to, intervals);
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

    /** One more access of the CPU borrows an interval of all its holders. */
    void lend(int interval) {
        accesses[interval]++;
        lentReaders[interval] |= readers[interval];
        lentWriters[interval] |= writers[interval];
        readers[interval] = 0;
        writers[interval] = 0;
    }

    /**
     * An access of the CPU ends; with the last one the holders get the interval back.
     *
     * @return whether it was the last
     */
    boolean giveBack(int interval) {
        if (--accesses[interval] > 0) return false;
        readers[interval] |= lentReaders[interval];
        writers[interval] |= lentWriters[interval];
        lentReaders[interval] = 0;
        lentWriters[interval] = 0;
        return true;
    }
}
