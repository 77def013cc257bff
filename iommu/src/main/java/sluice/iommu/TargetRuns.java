package sluice.iommu;

import java.util.Arrays;

/**
 * A list of runs of targets, (target, length), in the order of the addresses that map to them. A run that continues the
 * previous one is merged with it. Reusable: clearing keeps the arrays, so that a warm list allocates nothing. Not
 * thread-safe.
 */
public final class TargetRuns {
    private long[] targets;
    private long[] lengths;
    private int count;
    private long bytes;
    /** OR of all targets and lengths since the list was empty. */
    private long bits;

    public TargetRuns() {
        this(4);
    }

    /** @param expected initial capacity in runs */
    public TargetRuns(int expected) {
        targets = new long[Math.max(1, expected)];
        lengths = new long[targets.length];
    }

    /** A list of one run. */
    public static TargetRuns of(long target, long length) {
        TargetRuns runs = new TargetRuns();
        runs.add(target, length);
        return runs;
    }

    public int count() {
        return count;
    }

    /** Bytes in all runs. */
    public long bytes() {
        return bytes;
    }

    /** Target of the run's first byte; see {@link Targets}. */
    public long target(int run) {
        return targets[checked(run)];
    }

    /** Bytes in the run, at least 1. */
    public long length(int run) {
        return lengths[checked(run)];
    }

    /**
     * The OR of all targets and lengths since the list was empty: they have in common at least the alignment of its low
     * zero bits. Runs that were merged or cut back may have more.
     */
    public long orOfAll() {
        return bits;
    }

    /** Capacity in runs. */
    public int room() {
        return targets.length;
    }

    /** Prepares for this many runs in all. */
    public void reserve(int runs) {
        if (runs > targets.length) grow(runs);
    }

    private int checked(int run) {
        if (run < 0 || run >= count)
            throw new IndexOutOfBoundsException("run " + run + " of " + count);
        return run;
    }

    public void clear() {
        count = 0;
        bytes = 0;
        bits = 0;
    }

    /**
     * Appends a run.
     *
     * @param target 0 to {@link Targets#MAX}, as is the target of the run's last byte
     * @param length in bytes, at least 1
     */
    public void add(long target, long length) {
        if (length <= 0 || target < 0 || target > Targets.MAX || length - 1 > Targets.MAX - target) {
            throw new IllegalArgumentException(
                    "a run of %d bytes at target 0x%x; targets have 52 bits".formatted(length, target));
        }
        int last = count - 1;
        if (last >= 0 && targets[last] + lengths[last] == target) {
            lengths[last] += length;
        } else {
            if (count == targets.length) grow(count * 2);
            targets[count] = target;
            lengths[count] = length;
            count++;
        }
        bytes += length;
        bits |= target | length;
    }

    /**
     * Appends runs of one length, none of which continues the one before: they are not merged.
     *
     * @param base OR-ed with each offset, has none of its bits
     * @param end index of the offset after the last
     * @param length of each run in bytes, at least 1
     * @throws IllegalArgumentException as {@link #add}; nothing is appended then
     */
    public void addAll(long base, long[] offsets, int first, int end, long length) {
        int more = end - first;
        if (more <= 0) return;
        if (count + more > targets.length) grow(Math.max(count + more, count * 2));
        long[] to = targets;
        int at = count;
        long begins = base;
        long ends = length <= 0 ? -1 : 0;
        for (int i = 0; i < more; i++) {
            long target = base | offsets[first + i];
            to[at + i] = target;
            begins |= target;
            ends |= target + length - 1;
        }
        // All targets have 52 bits, and so have those of the last bytes.
        if (((begins | ends) & ~Targets.MAX) != 0) {
            throw new IllegalArgumentException(
                    "%d runs of %d bytes from target 0x%x on; targets have 52 bits".formatted(more, length, base));
        }
        Arrays.fill(lengths, at, at + more, length);
        count += more;
        bytes += more * length;
        bits |= begins | length;
    }

    private void grow(int runs) {
        targets = Arrays.copyOf(targets, runs);
        lengths = Arrays.copyOf(lengths, runs);
    }

    /** Removes what was appended since the list had {@code toBytes} bytes. */
    public void cutBack(long toBytes) {
        if (toBytes < 0 || toBytes > bytes)
            throw new IndexOutOfBoundsException("cannot cut %d bytes back to %d".formatted(bytes, toBytes));
        while (bytes > toBytes) {
            long excess = bytes - toBytes;
            long last = lengths[count - 1];
            if (last <= excess) {
                count--;
                bytes -= last;
            } else {
                lengths[count - 1] = last - excess;
                bytes = toBytes;
            }
        }
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? "" : ", ").append("0x%x+%d".formatted(targets[i], lengths[i]));
        }
        return text.append(']').toString();
    }
}
