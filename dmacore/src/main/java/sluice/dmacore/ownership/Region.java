package sluice.dmacore.ownership;

import java.util.Arrays;

/**
 * A stretch of cache lines with their states, stored as intervals of equal state. Several buffers may refer to it.
 * Guarded by the lock of its {@link AliasGroup}.
 *
 * <p>Each line has holders, with masks of those that may read, may write and so on. The possible differences of caches
 * and memory follow from the present writers, and from the {@link LineState}, which represents the effects of former
 * writers: the end of one holder never affects what another may still write.
 *
 * <p>Interval boundaries at the ends of another buffer's lines are kept, even between equal states. Otherwise each walk
 * over thousands of shared pages would split and merge intervals, and move all later ones each time.
 */
final class Region {
    static final Region NONE = new Region(0);
    /** Up to this many lines are pinned one by one. */
    private static final int FEW = 8;
    // The masks of an interval, as bits of its holders.
    /** Holders that may read. */
    private static final int READERS = 0;
    /** Holders that may write. */
    private static final int WRITERS = 1;
    /** Readers from which CPU accesses have borrowed. */
    private static final int LENT_READERS = 2;
    /** Writers from which CPU accesses have borrowed. */
    private static final int LENT_WRITERS = 3;
    /** Holders that have written some of it, not fetched since. */
    private static final int WROTE = 4;
    /** Holders that got it without the cache operation, with none since. */
    private static final int SKIPPED = 5;
    /** Holders that returned only a part of a line, and own the rest. */
    private static final int KEPT = 6;
    /** Those of them from which CPU accesses have borrowed the rest, or that returned their part during one. */
    private static final int LENT_REST = 7;
    private static final int MASKS = 8;
    /** Increment for a writing CPU access, in addition to 1 for any access. */
    private static final int WRITING = 1 << 16;

    private final int lines;
    private int count = 1;
    private int[] start = new int[4];
    private LineState[] cpu = new LineState[4];
    private Holders[] holders = new Holders[4];
    private final long[][] masks = new long[MASKS][4];
    /** Open CPU accesses, plus {@link #WRITING} for each writing one. */
    private int[] accesses = new int[4];
    /** Number of buffers that pin a boundary here. */
    private int[] pins = new int[4];
    /** Views with CPU writers that do not use begin and end. */
    private int unseenViews;

    Region(int lines) {
        this.lines = lines;
        cpu[0] = LineState.UNKNOWN;
        holders[0] = Holders.NONE;
    }

    // ---- holders

    /** Whether a holder can join an interval, or has joined it; the limit is {@link Holders#MOST}. */
    boolean hasRoom(int interval, Holder holder) {
        return !holders[interval].isFull() || bit(interval, holder) != 0;
    }

    /** Whether an interval is full. */
    boolean isFull(int interval) {
        return holders[interval].isFull();
    }

    /** Joins a holder to an interval, which must not be full. */
    void join(int interval, Holder holder) {
        if (bit(interval, holder) != 0) return;
        Holders more = holders[interval].with(holder);
        if (interval > 0 && more.equals(holders[interval - 1])) more = holders[interval - 1];
        holders[interval] = more;
        long bit = more.bit(holder);
        for (long[] mask : masks) mask[interval] = Holders.widened(mask[interval], bit);
    }

    /** The bit that a holder has in an interval, or 0 if it has not joined it. */
    long bit(int interval, Holder holder) {
        return holders[interval].bit(holder);
    }

    /** Whether an interval has a non-snooping holder, or one with a bounce buffer. */
    boolean isShared(int interval) {
        return holders[interval].areApart();
    }

    /** Removes a holder from an interval. */
    void leave(int interval, Holder holder) {
        long bit = bit(interval, holder);
        if (bit == 0) return;
        Holders fewer = holders[interval].without(bit);
        if (interval > 0 && fewer.equals(holders[interval - 1])) fewer = holders[interval - 1];
        holders[interval] = fewer;
        for (long[] mask : masks) mask[interval] = Holders.narrowed(mask[interval], bit);
    }

    /** One of the holders with these bits in an interval. */
    Holder holder(int interval, long bits) {
        return holders[interval].first(bits);
    }

    /** The bits of an interval's snooping holders. */
    long coherent(int interval) {
        return holders[interval].coherent();
    }

    void addView(boolean unseen) {
        if (unseen) unseenViews++;
    }

    void removeView(boolean unseen) {
        if (unseen) unseenViews--;
    }

    /** Whether the CPU may write without begin and end. */
    boolean hasUnseenWriters() {
        return unseenViews > 0;
    }

    /** The CPU owns an interval: its state depends on its writers, not all of which use begin and end. */
    void settle(int interval) {
        if (unseenViews == 0) return;
        if (cpu[interval] == LineState.CLEAN) cpu[interval] = LineState.UNKNOWN;
        if (cpu[interval] == LineState.STALE) cpu[interval] = LineState.TORN;
    }

    // ---- intervals

    /** The interval that begins at {@code line}; split if necessary. */
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
     * Pins interval boundaries at some lines, until {@link #unpin}.
     *
     * @param at lines in ascending order, of which the first {@code number} are used; the region's ends are skipped
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

    /** Undoes {@link #pin} for the same lines. */
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

    /** Splits intervals at all of these lines, and moves existing ones only once. */
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
        for (int i = 0; i < MASKS; i++) masks[i] = Arrays.copyOf(masks[i], size);
        accesses = Arrays.copyOf(accesses, size);
        pins = Arrays.copyOf(pins, size);
    }

    /**
     * Merges adjacent intervals of equal state without a pinned boundary, from the interval before {@code first} to the
     * one after {@code end}.
     */
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
        if (cpu[a] != cpu[b] || accesses[a] != accesses[b] || !holders[a].equals(holders[b])) return false;
        for (long[] mask : masks) {
            if (mask[a] != mask[b]) return false;
        }
        return true;
    }

    private void move(int from, int to, int intervals) {
        if (from == to) return;
        System.arraycopy(start, from, start, to, intervals);
        System.arraycopy(cpu, from, cpu, to, intervals);
        System.arraycopy(holders, from, holders, to, intervals);
        for (long[] mask : masks) System.arraycopy(mask, from, mask, to, intervals);
        System.arraycopy(accesses, from, accesses, to, intervals);
        System.arraycopy(pins, from, pins, to, intervals);
    }

    /** The interval that contains {@code line}. */
    int at(int line) {
        if (count == 1) return 0;
        int found = Arrays.binarySearch(start, 0, count, line);
        return found >= 0 ? found : -found - 2;
    }

    /** First line of an interval; for the index after the last one, the number of lines. */
    int start(int interval) {
        return interval == count ? lines : start[interval];
    }

    // ---- states

    LineState cpu(int interval) {
        return cpu[interval];
    }

    void setCpu(int interval, LineState state) {
        cpu[interval] = state;
    }

    /** Whether the caches may be newer than memory. */
    boolean mayBeDirty(int interval) {
        return cpu[interval].mayBeDirty() || (mayWrite(interval) & coherent(interval)) != 0;
    }

    /** Whether memory may be newer than the caches. */
    boolean mayBeStale(int interval) {
        return cpu[interval].mayBeStale() || (mayWrite(interval) & ~coherent(interval)) != 0;
    }

    /** Holders that may write, and those that have written a line of which they returned only a part. */
    long mayWrite(int interval) {
        return writers(interval) | (masks[KEPT][interval] & masks[WROTE][interval]);
    }

    long readers(int interval) {
        return masks[READERS][interval];
    }

    long writers(int interval) {
        return masks[WRITERS][interval];
    }

    /** Holders that may read while the CPU only reads. */
    long lentReaders(int interval) {
        return masks[LENT_READERS][interval] | masks[LENT_REST][interval];
    }

    /** Whether only the CPU owns it. */
    boolean isCpuOwned(int interval) {
        return (readers(interval) | writers(interval)) == 0;
    }

    /** Holders from which CPU accesses have borrowed it, or their part of it. */
    long lent(int interval) {
        return masks[LENT_READERS][interval] | masks[LENT_WRITERS][interval] | masks[LENT_REST][interval];
    }

    /** Holders that own some of it, or will when the CPU accesses end. */
    long claimed(int interval) {
        return readers(interval) | writers(interval) | kept(interval) | lent(interval);
    }

    /** Holders that returned only a part of a line, and own the rest. */
    long kept(int interval) {
        return masks[KEPT][interval];
    }

    /** Transfers an interval to a holder, with its direction. */
    void own(int interval, long bit, Direction direction) {
        if (direction.deviceReads()) masks[READERS][interval] |= bit;
        if (direction.deviceWrites()) masks[WRITERS][interval] |= bit;
        masks[KEPT][interval] &= ~bit;
        masks[LENT_REST][interval] &= ~bit;
    }

    /** Transfers an interval back from a holder. */
    void disown(int interval, long bit) {
        for (int mask = READERS; mask <= LENT_WRITERS; mask++) masks[mask][interval] &= ~bit;
        masks[KEPT][interval] &= ~bit;
        masks[LENT_REST][interval] &= ~bit;
    }

    /** A holder returns a part of a line, and keeps the rest. Borrowed parts return to it at the end of the access. */
    void disownPart(int interval, long bit) {
        long has = (readers(interval) | writers(interval) | kept(interval)) & bit;
        long lent = lent(interval) & bit;
        disown(interval, bit);
        masks[KEPT][interval] |= has;
        masks[LENT_REST][interval] |= lent;
    }

    // ---- who wrote, and who was given it without an operation

    /** Holders that have written some of it, not fetched since. */
    long wrote(int interval) {
        return masks[WROTE][interval];
    }

    void noteWrote(int interval, long bit) {
        masks[WROTE][interval] |= bit;
    }

    /** Writes of some holders were fetched, or do not belong to them any more. */
    void forgetWrote(int interval, long bits) {
        masks[WROTE][interval] &= ~bits;
    }

    /** Holders that got it without the cache operation, with none since. */
    long skipped(int interval) {
        return masks[SKIPPED][interval];
    }

    void noteSkipped(int interval, long bit) {
        masks[SKIPPED][interval] |= bit;
    }

    /** Memory is equal to the caches, for all holders. */
    void forgetSkipped(int interval) {
        masks[SKIPPED][interval] = 0;
    }

    // ---- accesses of the CPU

    /** Whether a CPU access is open. */
    boolean isLent(int interval) {
        return accesses[interval] != 0;
    }

    /** Whether a writing CPU access is open. */
    boolean isLentToWrite(int interval) {
        return accesses[interval] >= WRITING;
    }

    /**
     * One more CPU access borrows an interval from all its holders.
     *
     * @param part whether it is a part of a line, so that they keep the rest
     */
    void lend(int interval, boolean writes, boolean part) {
        accesses[interval] += writes ? 1 + WRITING : 1;
        if (part) {
            masks[KEPT][interval] |= readers(interval) | writers(interval);
        } else {
            masks[LENT_REST][interval] |= masks[KEPT][interval];
            masks[KEPT][interval] = 0;
        }
        masks[LENT_READERS][interval] |= readers(interval);
        masks[LENT_WRITERS][interval] |= writers(interval);
        masks[READERS][interval] = 0;
        masks[WRITERS][interval] = 0;
    }

    /**
     * A CPU access ends; with the last one the interval returns to its holders.
     *
     * @return whether it was the last
     */
    boolean giveBack(int interval, boolean wrote) {
        accesses[interval] -= wrote ? 1 + WRITING : 1;
        if (accesses[interval] != 0) return false;
        masks[READERS][interval] |= masks[LENT_READERS][interval];
        masks[WRITERS][interval] |= masks[LENT_WRITERS][interval];
        masks[KEPT][interval] |= masks[LENT_REST][interval];
        masks[KEPT][interval] &= ~(readers(interval) | writers(interval));
        masks[LENT_READERS][interval] = 0;
        masks[LENT_WRITERS][interval] = 0;
        masks[LENT_REST][interval] = 0;
        return true;
    }
}
