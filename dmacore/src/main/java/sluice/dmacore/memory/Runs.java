package sluice.dmacore.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A scatter list of runs of memory, (mapping, offset, length), accessed as one sequence of bytes. Reusable: clearing
 * keeps the arrays, so that a warm list allocates nothing. Not thread-safe.
 *
 * <p>It does not retain the mappings; its user keeps the generation alive in which it was resolved.
 */
public final class Runs {
    private FileMapping[] mappings;
    private long[] offsets;
    /** Position of each run's first byte in the sequence; one more entry holds the end. */
    private long[] starts;
    private int count;
    /** OR of all offsets and lengths since the list was empty. */
    private long loose;
    /** Whether there may be runs of more than one file. */
    private boolean mixed;
    /** The run of the last lookup, because most readers move forward. */
    private int hint;

    public Runs() {
        this(4);
    }

    /** @param expected initial capacity in runs */
    public Runs(int expected) {
        mappings = new FileMapping[Math.max(1, expected)];
        offsets = new long[mappings.length];
        starts = new long[mappings.length + 1];
    }

    /** A copy of this list. */
    public Runs copy() {
        Runs copy = new Runs(count);
        System.arraycopy(mappings, 0, copy.mappings, 0, count);
        System.arraycopy(offsets, 0, copy.offsets, 0, count);
        System.arraycopy(starts, 0, copy.starts, 0, count + 1);
        copy.count = count;
        copy.loose = loose;
        copy.mixed = mixed;
        return copy;
    }

    public int count() {
        return count;
    }

    /** Capacity in runs. */
    public int room() {
        return mappings.length;
    }

    /** Bytes in all runs. */
    public long bytes() {
        return starts[count];
    }

    public FileMapping mapping(int run) {
        return mappings[checked(run)];
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
        Arrays.fill(mappings, 0, count, null);
        count = 0;
        loose = 0;
        mixed = false;
        hint = 0;
    }

    /** Appends a run; one that continues the last run in the same file is merged with it. */
    public void add(FileMapping mapping, long offset, long length) {
        if (length <= 0)
            throw new IllegalArgumentException("a run of " + length + " bytes");
        loose |= offset | length;
        if (count > 0 && mappings[count - 1] == mapping
                && offsets[count - 1] + (starts[count] - starts[count - 1]) == offset) {
            starts[count] += length;
            return;
        }
        if (count == mappings.length) {
            mappings = Arrays.copyOf(mappings, count * 2);
            offsets = Arrays.copyOf(offsets, count * 2);
            starts = Arrays.copyOf(starts, count * 2 + 1);
        }
        mixed |= count > 0 && mappings[0] != mapping;
        mappings[count] = mapping;
        offsets[count] = offset;
        starts[count + 1] = starts[count] + length;
        count++;
    }

    /** Removes what was appended since the list had {@code runs} runs and {@code bytes} bytes. */
    public void cutBack(int runs, long bytes) {
        Arrays.fill(mappings, runs, count, null);
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
            MemorySegment.copy(mappings[run].segment(), offsets[run] + into, target, targetOffset + done, piece);
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
            MemorySegment.copy(source, sourceOffset + done, mappings[run].segment(), offsets[run] + into, piece);
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
            MemorySegment.copy(mappings[run].segment(), ValueLayout.JAVA_BYTE, offsets[run] + into, target,
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
            MemorySegment.copy(source, sourceOffset + done, mappings[run].segment(), ValueLayout.JAVA_BYTE,
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
