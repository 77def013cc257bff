package sluice.dmacore.ownership;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * The cache lines of a buffer, in buffer order: a view of the ledger, alive while a device is attached. Lines are
 * numbered from 0; a run that begins or ends inside a line includes all of it.
 */
public final class Lines {
    /** Size of a cache line in bytes. */
    public static final int LINE = 64;
    private static final int SHIFT = 6;
    private static final int[] NONE = {};

    private final int number;
    private final String buffer;
    private final Runs runs;
    /** The first line of each run, and one more entry for the end; not used if all runs consist of whole lines. */
    private final int[] firstLines;
    private final int count;
    private final boolean linear;
    private final boolean unseenWriters;
    private final OwnershipCounters counters = new OwnershipCounters();
    /** The regions of the lines, in line order. Guarded by the group. */
    private int pieces;
    private int[] pieceStart = new int[2];
    private Region[] pieceRegion = new Region[1];
    private int[] pieceOffset = new int[1];
    /** Index by file line; created when another buffer shares some of them. */
    private final Map<FileId, RunIndex> indices = new ConcurrentHashMap<>();
    /** Holders through this buffer only. Guarded by the group. */
    private final Set<Holder> holders = new HashSet<>();
    private final Walk walk = new Walk(this);
    private final Harm harm = new Harm(this);
    private volatile AliasGroup group;

    Lines(int number, String buffer, Runs memory, boolean unseenWriters) throws LedgerFullException {
        this.number = number;
        this.buffer = buffer;
        runs = memory;
        linear = memory.areWhole(LINE);
        // Partial lines may be written by the owner of the rest.
        this.unseenWriters = unseenWriters || !linear;
        firstLines = linear ? NONE : firstLines(buffer, memory);
        long lines = linear ? memory.bytes() >>> SHIFT : firstLines[memory.count()];
        if (lines > Integer.MAX_VALUE) throw tooLarge(buffer, lines);
        count = (int) lines;
        group = new AliasGroup();
        group.members.add(this);
    }

    private static int[] firstLines(String buffer, Runs memory) throws LedgerFullException {
        int[] first = new int[memory.count() + 1];
        long line = 0;
        for (int run = 0; run < memory.count(); run++) {
            long offset = memory.offset(run);
            line += ((offset + memory.length(run) + LINE - 1) >>> SHIFT) - (offset >>> SHIFT);
            if (line > Integer.MAX_VALUE) throw tooLarge(buffer, line);
            first[run + 1] = (int) line;
        }
        return first;
    }

    private static LedgerFullException tooLarge(String buffer, long lines) {
        return new LedgerFullException("%s has %d lines of %d bytes or more, and %d are the limit".formatted(buffer,
                lines, LINE, Integer.MAX_VALUE));
    }

    /** The buffer's number. */
    public int number() {
        return number;
    }

    /** The buffer's name, for findings. */
    public String buffer() {
        return buffer;
    }

    /** The memory at the time of registration. */
    public Runs runs() {
        return runs;
    }

    public int count() {
        return count;
    }

    /** Whether the CPU may write its lines without begin and end. */
    boolean hasUnseenWriters() {
        return unseenWriters;
    }

    /** Guarded by the group. */
    OwnershipCounters counters() {
        return counters;
    }

    /** Holders through this buffer. Guarded by the group. */
    Set<Holder> holders() {
        return holders;
    }

    AliasGroup group() {
        return group;
    }

    void setGroup(AliasGroup next) {
        group = next;
    }

    // ---- bytes and lines

    /** The line of the byte at {@code position}. */
    int lineAt(long position) {
        if (linear) return (int) (position >>> SHIFT);
        int run = runs.runAt(position);
        long offset = runs.offset(run) + (position - runs.start(run));
        return firstLines[run] + (int) ((offset >>> SHIFT) - (runs.offset(run) >>> SHIFT));
    }

    /** The position of a line's first byte that belongs to the buffer. */
    public long position(int line) {
        if (linear) return (long) line << SHIFT;
        int run = runOf(line);
        long offset = ((runs.offset(run) >>> SHIFT) + (line - firstLines[run])) << SHIFT;
        return runs.start(run) + Math.max(0, offset - runs.offset(run));
    }

    /** The end position of a line's bytes in the buffer. */
    public long endPosition(int line) {
        if (linear) return (long) (line + 1) << SHIFT;
        int run = runOf(line);
        long offset = ((runs.offset(run) >>> SHIFT) + (line + 1 - firstLines[run])) << SHIFT;
        return runs.start(run) + Math.min(runs.length(run), offset - runs.offset(run));
    }

    /** The buffer's bytes of a line between two positions, one bit each; bit 0 is the first byte of the line. */
    long bytesOf(int line, long from, long to) {
        long first = position(line);
        int low = linear ? 0 : lead(line);
        long begin = Math.max(first, from);
        long stop = Math.min(endPosition(line), to);
        if (begin >= stop) return 0;
        int count = (int) (stop - begin);
        return (count == LINE ? -1 : (1L << count) - 1) << (low + (begin - first));
    }

    /** The position of a byte by its offset in a line. */
    long positionOf(int line, int place) {
        return position(line) + place - (linear ? 0 : lead(line));
    }

    /** Bytes of a line before the buffer's first one. */
    private int lead(int line) {
        int run = runOf(line);
        return line == firstLines[run] ? (int) (runs.offset(run) & (LINE - 1)) : 0;
    }

    /** Whether a range begins inside the buffer's part of a line. */
    boolean cutsFirst(long from) {
        return from > position(lineAt(from));
    }

    /** Whether a range ends inside the buffer's part of a line. */
    boolean cutsLast(long to) {
        return to < endPosition(lineAt(to - 1));
    }

    private int runOf(int line) {
        if (linear) return runs.runAt((long) line << SHIFT);
        int found = Arrays.binarySearch(firstLines, 0, firstLines.length - 1, line);
        return found >= 0 ? found : -found - 2;
    }

    int runCount() {
        return runs.count();
    }

    /** The first line of a run; for the index after the last run, the number of lines. */
    int firstLine(int run) {
        if (!linear) return firstLines[run];
        return run == runs.count() ? count : (int) (runs.start(run) >>> SHIFT);
    }

    /** The first file line of a run. */
    long fileLine(int run) {
        return runs.offset(run) >>> SHIFT;
    }

    /** The file line after the last one of a run. */
    long endFileLine(int run) {
        return fileLine(run) + (firstLine(run + 1) - firstLine(run));
    }

    /** Receives stretches of whole lines in files. */
    @FunctionalInterface
    public interface Stretches {
        /**
         * @param offset in the file, a multiple of {@link Lines#LINE}
         * @param bytes a multiple of {@link Lines#LINE}
         * @param firstLine number of the first of these lines
         */
        void take(FileMapping file, long offset, long bytes, int firstLine);
    }

    /** Reports the file stretches of lines {@code first} to {@code end} − 1. */
    public void forEachStretch(int first, int end, Stretches stretches) {
        if (first >= end) return;
        int line = first;
        for (int run = runOf(first); line < end; run++) {
            int until = Math.min(end, firstLine(run + 1));
            if (until == line) continue;
            long fileLine = fileLine(run) + (line - firstLine(run));
            stretches.take(runs.mapping(run), fileLine << SHIFT, (long) (until - line) << SHIFT, line);
            line = until;
        }
    }

    // ---- pieces

    /** Appends lines; merged with the last piece if contiguous in the region. */
    void addPiece(Region region, int offset, int lines) {
        if (lines == 0) return;
        int end = pieceStart[pieces];
        if (pieces > 0 && pieceRegion[pieces - 1] == region
                && pieceOffset[pieces - 1] + (end - pieceStart[pieces - 1]) == offset) {
            pieceStart[pieces] = end + lines;
            return;
        }
        if (pieces == pieceRegion.length) {
            pieceRegion = Arrays.copyOf(pieceRegion, pieces * 2);
            pieceOffset = Arrays.copyOf(pieceOffset, pieces * 2);
            pieceStart = Arrays.copyOf(pieceStart, pieces * 2 + 1);
        }
        pieceRegion[pieces] = region;
        pieceOffset[pieces] = offset;
        pieces++;
        pieceStart[pieces] = end + lines;
    }

    int pieceCount() {
        return pieces;
    }

    /** Each region once. */
    Collection<Region> regions() {
        if (pieces == 1) return List.of(pieceRegion[0]);
        Set<Region> all = new LinkedHashSet<>();
        for (int piece = 0; piece < pieces; piece++) all.add(pieceRegion[piece]);
        return all;
    }

    /** Pins the intervals of the regions at the ends of pieces. */
    void pinPieces() {
        cuts().forEach((region, cuts) -> region.pin(cuts.sorted(), cuts.count));
    }

    /** Undoes that. */
    void unpinPieces() {
        cuts().forEach((region, cuts) -> region.unpin(cuts.sorted(), cuts.count));
    }

    private Map<Region, Cuts> cuts() {
        Map<Region, Cuts> all = new HashMap<>();
        if (pieces == 1) return all; // all of its own region, or all of another's part of it
        for (int piece = 0; piece < pieces; piece++) {
            Cuts cuts = all.computeIfAbsent(pieceRegion[piece], _ -> new Cuts());
            cuts.add(pieceOffset[piece]);
            cuts.add(pieceOffset[piece] + pieceStart[piece + 1] - pieceStart[piece]);
        }
        return all;
    }

    /** The lines of a region at which pieces begin and end. */
    private static final class Cuts {
        private int[] at = new int[2];
        private int count;

        void add(int line) {
            if (count == at.length) at = Arrays.copyOf(at, count * 2);
            at[count++] = line;
        }

        int[] sorted() {
            Arrays.sort(at, 0, count);
            return at;
        }
    }

    RunIndex index(FileId file) {
        return indices.computeIfAbsent(file, key -> new RunIndex(this, key));
    }

    Walk walk() {
        return walk;
    }

    Harm harm() {
        return harm;
    }

    /** The piece that contains a line. */
    int pieceAt(int line) {
        if (pieces == 1) return 0;
        int found = Arrays.binarySearch(pieceStart, 0, pieces, line);
        return found >= 0 ? found : -found - 2;
    }

    int pieceStart(int piece) {
        return pieceStart[piece];
    }

    Region region(int piece) {
        return pieceRegion[piece];
    }

    int pieceOffset(int piece) {
        return pieceOffset[piece];
    }
}
