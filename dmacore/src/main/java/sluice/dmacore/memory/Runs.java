package sluice.dmacore.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.iommu.TargetRuns;

/**
 * A scatter list of runs of memory, (mapping, offset, length), accessed as one sequence of bytes. Reusable: clearing
 * keeps the arrays, so that a warm list allocates nothing. Not thread-safe.
 *
 * <p>It does not retain the mappings; its user keeps the generation alive in which it was resolved.
 */
public final class Runs {
    private static final FileMapping[] NONE = {};
    private static final long[] EVEN = {};

    /** The file of all runs, unless they are mixed: a reference stored for each run would cost more than the rest. */
    private @Nullable FileMapping only;
    /** The file of each run, if they are mixed. */
    private FileMapping[] mappings = NONE;
    private long[] offsets;
    /**
     * The length of all runs but the last, which may be shorter: most lists are of single pages. 0 for a list of other
     * lengths, and for an empty one.
     */
    private long each;
    /** Position of each run's first byte in the sequence, and then the end, of a list of other lengths. */
    private long[] starts = EVEN;
    private int count;
    private long bytes;
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
    }

    private Runs(Runs from) {
        count = from.count;
        bytes = from.bytes;
        offsets = Arrays.copyOf(from.offsets, Math.max(1, count));
        each = from.each;
        if (!isEven()) starts = Arrays.copyOf(from.starts, count + 1);
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
        return bytes;
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

    /** Whether every run is known to be one {@code unit}, such as a page, and aligned to it. */
    public boolean areSingle(long unit) {
        return each == unit && areWhole(unit);
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
        return lengthOf(checked(run));
    }

    private int checked(int run) {
        if (run < 0 || run >= count)
            throw new IndexOutOfBoundsException("run " + run + " of " + count);
        return run;
    }

    private boolean isEven() {
        return each != 0 || count == 0;
    }

    private long startOf(int run) {
        return each != 0 ? run * each : starts[run];
    }

    private long lengthOf(int run) {
        return each != 0 ? Math.min(each, bytes - run * each) : starts[run + 1] - starts[run];
    }

    /**
     * Appends the targets of some runs of one file, which lie in a space at the file's offsets from {@code base} on: a
     * multiple of a power of two above them.
     *
     * @param end index of the run after the last
     */
    public void addTo(TargetRuns targets, long base, int first, int end) {
        int run = first;
        if (each != 0) {
            // The last run of all may be shorter.
            run = Math.max(first, Math.min(end, count - 1));
            targets.addAll(base, offsets, first, run, each);
        }
        for (; run < end; run++) targets.add(base | offset(run), length(run));
    }

    public void clear() {
        if (mixed) Arrays.fill(mappings, 0, count, null);
        only = null;
        mixed = false;
        count = 0;
        bytes = 0;
        each = 0;
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
        boolean continues = same && offsets[count - 1] + lengthOf(count - 1) == offset;
        settle(continues, length);
        if (!continues) {
            if (count == offsets.length) grow(count * 2);
            if (mixed) mappings[count] = mapping;
            offsets[count++] = offset;
        }
        bytes += length;
        if (each == 0) starts[count] = bytes;
    }

    /** Whether all lengths stay the same with one more run, or with a last run that is so much longer. */
    private void settle(boolean continues, long length) {
        if (count == 0 || (count == 1 && continues)) {
            each = bytes + length;
        } else if (each != 0) {
            long last = lengthOf(count - 1);
            if (continues ? last + length > each : last < each || length > each) makeUneven();
        }
    }

    private void makeUneven() {
        if (starts.length <= offsets.length) starts = new long[offsets.length + 1];
        for (int run = 0; run < count; run++) starts[run] = run * each;
        starts[count] = bytes;
        each = 0;
    }

    /**
     * Appends the ranges of a list that lie inside one stretch of addresses of one file, as {@link #add} does for each.
     *
     * @param first index of the first range
     * @param begin first address of the stretch
     * @param size of the stretch in bytes
     * @param offset of the stretch in the file
     * @return the index of the first range that is not inside
     */
    int addAll(FileMapping mapping, BusList list, int first, long begin, long size, long offset) {
        int most = count + list.count() - first;
        if (most > offsets.length) grow(Math.max(most, Math.min(count * 2, list.count())));
        int range = first;
        while (range < list.count()) {
            long into = list.address(range) - begin;
            long length = list.length(range);
            if (into < 0 || length > size - into) break;
            add(mapping, offset + into, length);
            range++;
            if (each == 0) return addUneven(mapping, list, range, begin, size, offset);
            if (each == list.each()) return addEven(mapping, list, range, begin, size, offset);
        }
        return range;
    }

    /** The next ones, in the file of the last run: all have its length. */
    private int addEven(FileMapping mapping, BusList list, int first, long begin, long size, long offset) {
        int more = list.countInside(first, begin, size);
        if (more == 0) return first;
        long[] at = offsets;
        list.copyTo(first, more, offset - begin, at, count);
        long bits = each;
        long least = Long.MAX_VALUE;
        long greatest = 0;
        for (int run = count; run < count + more; run++) {
            bits |= at[run];
            least = Math.min(least, at[run]);
            greatest = Math.max(greatest, at[run]);
        }
        note(bits, least, greatest + each);
        if (mixed) Arrays.fill(mappings, count, count + more, mapping);
        bytes += more * each;
        count += more;
        return first + more;
    }

    /** The next ones, in the file of the last run, with any lengths. */
    private int addUneven(FileMapping mapping, BusList list, int first, long begin, long size, long offset) {
        long[] at = offsets;
        long[] ends = starts;
        int run = count;
        long end = bytes;
        // Where a range must begin to be merged with the run before.
        long next = at[run - 1] + lengthOf(run - 1);
        long bits = 0;
        long least = Long.MAX_VALUE;
        long greatest = 0;
        int range = first;
        for (; range < list.count(); range++) {
            long into = list.address(range) - begin;
            long length = list.length(range);
            if (into < 0 || length > size - into) break;
            long from = offset + into;
            bits |= from | length;
            least = Math.min(least, from);
            greatest = Math.max(greatest, from + length);
            if (from != next) at[run++] = from;
            end += length;
            ends[run] = end;
            next = from + length;
        }
        note(bits, least, greatest);
        if (mixed) Arrays.fill(mappings, count, run, mapping);
        bytes = end;
        count = run;
        return range;
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
        if (starts.length > 0) starts = Arrays.copyOf(starts, room + 1);
        if (mixed && mappings.length < room) mappings = Arrays.copyOf(mappings, room);
    }

    /** Removes what was appended since the list had {@code runs} runs and {@code bytes} bytes. */
    public void cutBack(int runs, long toBytes) {
        if (mixed) Arrays.fill(mappings, runs, count, null);
        count = runs;
        bytes = toBytes;
        hint = 0;
        // The last kept run may have been extended by merging.
        if (runs <= 1) each = toBytes;
        else if (each == 0) starts[runs] = toBytes;
    }

    /** The run that holds the byte at {@code position}. */
    public int runAt(long position) {
        if (position < 0 || position >= bytes) {
            throw new IndexOutOfBoundsException("position " + position + " of " + bytes + " bytes");
        }
        int run = hint;
        if (run < count && position >= startOf(run)) {
            if (position < startOf(run) + lengthOf(run))
                return run;
            if (run + 1 < count && position < startOf(run + 1) + lengthOf(run + 1)) {
                hint = run + 1;
                return hint;
            }
        }
        if (each != 0) {
            hint = (int) (position / each);
        } else {
            int found = Arrays.binarySearch(starts, 0, count, position);
            hint = found >= 0 ? found : -found - 2;
        }
        return hint;
    }

    /** Position of the run's first byte in the sequence. */
    public long start(int run) {
        return startOf(checked(run));
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
            long into = position + done - startOf(run);
            long piece = Math.min(length - done, lengthOf(run) - into);
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
            long into = position + done - startOf(run);
            long piece = Math.min(length - done, lengthOf(run) - into);
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
            long into = position + done - startOf(run);
            int piece = (int) Math.min(length - done, lengthOf(run) - into);
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
            long into = position + done - startOf(run);
            int piece = (int) Math.min(length - done, lengthOf(run) - into);
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
