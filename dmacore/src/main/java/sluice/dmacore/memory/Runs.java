package sluice.dmacore.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * A scatter list of runs of memory, (mapping, offset, length), accessed as one sequence of bytes. Reusable: clearing
 * keeps the arrays, so that a warm list allocates nothing. Not thread-safe.
 *
 * <p>It does not retain the mappings; its user keeps the generation alive in which it was resolved.
 */
public final class Runs {
    private static final FileMapping[] NONE = {};

    /** The file of all runs, unless they are mixed: a reference stored for each run would cost more than the rest. */
    private @Nullable FileMapping only;
    /** The file of each run, if they are mixed. */
    private FileMapping[] mappings = NONE;
    private long[] offsets;
    /** Position of each run's first byte in the sequence; one more entry holds the end. */
    private long[] starts;
    private int count;
    /** OR of all offsets and lengths since the list was empty. */
    private long loose;
    /** At most the least offset, and at least the greatest end, of a run since the list was empty. */
    private long low = Long.MAX_VALUE;
    private long high;
    /** Whether there may be runs of more than one file. */
    private boolean mixed;
    /** The run of the last lookup, because most readers move forward. */
    private int hint;

    public Runs() {
        this(4);
    }

    /** @param expected initial capacity in runs */
    public Runs(int expected) {
        offsets = new long[Math.max(1, expected)];
        starts = new long[offsets.length + 1];
    }

    private Runs(Runs from) {
        count = from.count;
        offsets = Arrays.copyOf(from.offsets, Math.max(1, count));
        starts = Arrays.copyOf(from.starts, offsets.length + 1);
        only = from.only;
        mixed = from.mixed;
        if (mixed) mappings = Arrays.copyOf(from.mappings, offsets.length);
        loose = from.loose;
        low = from.low;
        high = from.high;
    }

    /** A copy of this list. */
    public Runs copy() {
        return new Runs(this);
    }

    public int count() {
        return count;
    }

    /** Capacity in runs. */
    public int room() {
        return offsets.length;
    }

    /** Bytes in all runs. */
    public long bytes() {
        return starts[count];
    }

    public FileMapping mapping(int run) {
        return file(checked(run));
    }

    private FileMapping file(int run) {
        FileMapping all = mixed ? mappings[run] : only;
        if (all == null) throw new IllegalStateException("a run without a file");
        return all;
    }

    /** Whether all runs are known to be of one file. */
    public boolean areOfOneFile() {
        return count > 0 && !mixed;
    }

    /** At most the least offset of a run in its file; meaningful if all are of one file. */
    public long lowest() {
        return low;
    }

    /** At least the greatest offset behind the last byte of a run in its file; meaningful if all are of one file. */
    public long highest() {
        return high;
    }

    /**
     * Whether every run is known to be aligned to {@code unit}, such as a page. May return false for an aligned list
     * that contains merged runs or was cut back.
     *
     * @param unit a power of two
     */
    public boolean areWhole(long unit) {
        return (loose & (unit - 1)) == 0;
    }

    /** The first run after {@code run} in another file, or {@link #count}; most lists use one file. */
    public int endOfFile(int run) {
        FileMapping file = mapping(run);
        if (!mixed) return count;
        int end = run + 1;
        while (end < count && mappings[end] == file)
            end++;
        return end;
    }

    /** Offset of the run's first byte in its file. */
    public long offset(int run) {
        return offsets[checked(run)];
    }

    public long length(int run) {
        return starts[checked(run) + 1] - starts[run];
    }

    private int checked(int run) {
        if (run < 0 || run >= count)
            throw new IndexOutOfBoundsException("run " + run + " of " + count);
        return run;
    }

    public void clear() {
        if (mixed) Arrays.fill(mappings, 0, count, null);
        only = null;
        mixed = false;
        count = 0;
        loose = 0;
        hint = 0;
    }

    /** Appends a run; one that continues the last run in the same file is merged with it. */
    public void add(FileMapping mapping, long offset, long length) {
        if (length <= 0)
            throw new IllegalArgumentException("a run of " + length + " bytes");
        boolean same = isLast(mapping);
        long end = offset + length;
        note(offset | length, offset, end < offset ? Long.MAX_VALUE : end);
        if (same && offsets[count - 1] + (starts[count] - starts[count - 1]) == offset) {
            starts[count] += length;
            return;
        }
        if (count == offsets.length) grow(count * 2);
        if (mixed) mappings[count] = mapping;
        offsets[count] = offset;
        starts[count + 1] = starts[count] + length;
        count++;
    }

    /**
     * Appends the ranges of a list that lie inside one stretch of addresses of one file, as {@link #add} does for each;
     * empty ranges are skipped.
     *
     * @param ranges pairs of an address and a length, of which the lower 32 bits count
     * @param first index of the first pair
     * @param begin first address of the stretch
     * @param size of the stretch in bytes
     * @param offset of the stretch in the file
     * @return the index of the first pair that is not inside
     */
    int addAll(FileMapping mapping, long[] ranges, int first, long begin, long size, long offset) {
        boolean continues = isLast(mapping);
        int most = count + (ranges.length - first) / 2;
        if (most > offsets.length) grow(Math.max(most, Math.min(count * 2, ranges.length)));
        long[] at = offsets;
        long[] ends = starts;
        int run = count;
        long end = ends[run];
        // Where a range must begin to be merged with the run before.
        long next = continues ? at[run - 1] + (end - ends[run - 1]) : -1;
        long bits = 0;
        long least = Long.MAX_VALUE;
        long greatest = 0;
        int pair = first;
        for (; pair + 1 < ranges.length; pair += 2) {
            long into = ranges[pair] - begin;
            long length = ranges[pair + 1] & 0xffff_ffffL;
            if (into < 0 || length > size - into) break;
            if (length == 0) continue;
            long from = offset + into;
            bits |= from | length;
            least = Math.min(least, from);
            greatest = Math.max(greatest, from + length);
            if (from != next) at[run++] = from;
            end += length;
            ends[run] = end;
            next = from + length;
        }
        if (greatest > 0) note(bits, least, greatest);
        if (mixed) Arrays.fill(mappings, count, run, mapping);
        count = run;
        return pair;
    }

    /** Whether the last run is of this file; prepares for another run of it. */
    private boolean isLast(FileMapping mapping) {
        if (count == 0) {
            only = mapping;
            mixed = false;
            loose = 0;
            low = Long.MAX_VALUE;
            high = 0;
            return false;
        }
        if (mixed) return mappings[count - 1] == mapping;
        if (only == mapping) return true;
        if (mappings.length < offsets.length) mappings = new FileMapping[offsets.length];
        Arrays.fill(mappings, 0, count, only);
        mixed = true;
        return false;
    }

    private void note(long bits, long from, long end) {
        loose |= bits;
        low = Math.min(low, from);
        high = Math.max(high, end);
    }

    private void grow(int room) {
        offsets = Arrays.copyOf(offsets, room);
        starts = Arrays.copyOf(starts, room + 1);
        if (mixed && mappings.length < room) mappings = Arrays.copyOf(mappings, room);
    }

    /** Removes what was appended since the list had {@code runs} runs and {@code bytes} bytes. */
    public void cutBack(int runs, long bytes) {
        if (mixed) Arrays.fill(mappings, runs, count, null);
        count = runs;
        hint = 0;
        // The last kept run may have been extended by merging.
        starts[count] = bytes;
    }

    /** The run that holds the byte at {@code position}. */
    public int runAt(long position) {
        if (position < 0 || position >= bytes()) {
            throw new IndexOutOfBoundsException("position " + position + " of " + bytes() + " bytes");
        }
        int run = hint;
        if (run < count && position >= starts[run]) {
            if (position < starts[run + 1])
                return run;
            if (run + 1 < count && position < starts[run + 2]) {
                hint = run + 1;
                return hint;
            }
        }
        int found = Arrays.binarySearch(starts, 0, count, position);
        hint = found >= 0 ? found : -found - 2;
        return hint;
    }

    /** Position of the run's first byte in the sequence. */
    public long start(int run) {
        return starts[checked(run)];
    }

    /**
     * Copies {@code length} bytes from {@code position} on into {@code target}.
     *
     * @throws IndexOutOfBoundsException if the list or the target is shorter
     */
    public void copyTo(long position, MemorySegment target, long targetOffset, long length) {
        checkSpan(position, length);
        long done = 0;
        while (done < length) {
            int run = runAt(position + done);
            long into = position + done - starts[run];
            long piece = Math.min(length - done, starts[run + 1] - starts[run] - into);
            MemorySegment.copy(file(run).segment(), offsets[run] + into, target, targetOffset + done, piece);
            done += piece;
        }
    }

    /** Copies {@code length} bytes of {@code source} to {@code position} on. */
    public void copyFrom(MemorySegment source, long sourceOffset, long position, long length) {
        checkSpan(position, length);
        long done = 0;
        while (done < length) {
            int run = runAt(position + done);
            long into = position + done - starts[run];
            long piece = Math.min(length - done, starts[run + 1] - starts[run] - into);
            MemorySegment.copy(source, sourceOffset + done, file(run).segment(), offsets[run] + into, piece);
            done += piece;
        }
    }

    /** Copies {@code length} bytes from {@code position} on into an array. */
    public void copyTo(long position, byte[] target, int targetOffset, int length) {
        checkSpan(position, length);
        int done = 0;
        while (done < length) {
            int run = runAt(position + done);
            long into = position + done - starts[run];
            int piece = (int) Math.min(length - done, starts[run + 1] - starts[run] - into);
            MemorySegment.copy(file(run).segment(), ValueLayout.JAVA_BYTE, offsets[run] + into, target,
                    targetOffset + done, piece);
            done += piece;
        }
    }

    /** Copies {@code length} bytes of an array to {@code position} on. */
    public void copyFrom(byte[] source, int sourceOffset, long position, int length) {
        checkSpan(position, length);
        int done = 0;
        while (done < length) {
            int run = runAt(position + done);
            long into = position + done - starts[run];
            int piece = (int) Math.min(length - done, starts[run + 1] - starts[run] - into);
            MemorySegment.copy(source, sourceOffset + done, file(run).segment(), ValueLayout.JAVA_BYTE,
                    offsets[run] + into, piece);
            done += piece;
        }
    }

    private void checkSpan(long position, long length) {
        if (position < 0 || length < 0 || position > bytes() - length) {
            throw new IndexOutOfBoundsException(
                    "%d bytes at position %d of %d bytes".formatted(length, position, bytes()));
        }
    }
}
