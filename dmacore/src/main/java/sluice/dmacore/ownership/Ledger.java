package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * Which buffers lie on which cache lines of which file. A line that several buffers have, or one buffer twice, has one state:
 * their views lead to the same {@link Region}.
 *
 * <p>Pages are looked up in a table, so that a buffer nobody shares costs a few nanoseconds a page.
 */
public final class Ledger {
    private static final int PAGE_SHIFT = 12;
    private static final int PAGE_LINES = 4096 / Lines.LINE;
    private static final int CHUNK_SHIFT = 9;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    /**
     * Pieces of all buffers: 16 bytes each. A buffer that shares nothing has one; one whose list goes over the scattered pages of
     * another again and again has as many as both lists multiplied.
     */
    static final int MOST_PIECES = 1 << 20;
    /** In a page's entry: several buffers have it. */
    private static final int SEVERAL = -1;

    /** The pages of one file: 0, the number of the only buffer there, or {@link #SEVERAL}. */
    private static final class FilePages {
        private final int[][] chunks;
        private final Map<Integer, List<Lines>> shared = new HashMap<>();
        private final long size;
        int covered;

        FilePages(long size) {
            this.size = size;
            chunks = new int[(int) ((size >>> PAGE_SHIFT) / CHUNK_PAGES + 1)][];
        }

        /** Whether several buffers have lines of a page. */
        boolean isShared(int page) {
            return chunk(page)[page & (CHUNK_PAGES - 1)] == SEVERAL;
        }

        List<Lines> sharing(int page) {
            return Objects.requireNonNull(shared.get(page), "a shared page has a list");
        }

        int[] chunk(int page) {
            int index = page >>> CHUNK_SHIFT;
            int[] present = chunks[index];
            if (present == null) {
                present = new int[CHUNK_PAGES];
                chunks[index] = present;
            }
            return present;
        }
    }

    private final Map<FileId, FilePages> files = new HashMap<>();
    private @Nullable FileId unused;
    private final Map<Integer, Lines> views = new HashMap<>();
    private final OwnershipCounters former = new OwnershipCounters();
    private int pieces;

    /** Buffers whose lines a new one shares. */
    public record Shared(Lines lines, List<String> buffers) {}

    /**
     * Registers the lines of a buffer's memory.
     *
     * @param number of the buffer, more than 0
     * @param memory does not change, and its files stay mapped, until {@link #remove}
     * @param unseenWriters whether the CPU may write without telling the gate, as a guest does
     * @return the lines, and the names of buffers that have some of them too; the buffer's own if it has a line twice
     * @throws LedgerFullException if they are more than 2^31 − 1, or the ledger would have more than 2^20 pieces
     */
    public synchronized Shared add(int number, String buffer, Runs memory, boolean unseenWriters)
            throws LedgerFullException {
        if (views.containsKey(number)) throw new IllegalStateException(buffer + " is in the ledger already");
        Lines lines = new Lines(number, buffer, memory, unseenWriters);
        Set<Lines> others = cover(lines);
        views.put(lines.number(), lines);
        if (others.isEmpty()) {
            lines.addPiece(new Region(lines.count()), 0, lines.count());
        } else {
            joinGroup(lines, others);
        }
        Set<String> names = new HashSet<>();
        AliasGroup group = AliasGroup.lock(lines);
        boolean done = false;
        try {
            if (!others.isEmpty()) share(lines, others.contains(lines), names);
            for (Region region : lines.regions()) region.addView(lines.hasUnseenWriters());
            lines.pinPieces();
            pieces += lines.pieceCount();
            done = true;
        } finally {
            if (!done) group.members.remove(lines);
            group.unlock();
            if (!done) {
                views.remove(number);
                uncover(lines);
            }
        }
        return new Shared(lines, List.copyOf(names));
    }

    /** A buffer's lines are nobody's business any more; nobody holds any of them through this view. */
    public synchronized void remove(Lines lines) {
        if (views.remove(lines.number()) == null)
            throw new IllegalStateException(lines.buffer() + " was removed already");
        uncover(lines);
        pieces -= lines.pieceCount();
        AliasGroup group = AliasGroup.lock(lines);
        try {
            lines.unpinPieces();
            for (Region region : lines.regions()) region.removeView(lines.hasUnseenWriters());
            former.add(lines.counters());
            group.members.remove(lines);
        } finally {
            group.unlock();
        }
    }

    /** What all buffers together have cost, also those that are gone. */
    public synchronized OwnershipCounters totals() {
        OwnershipCounters totals = former.copy();
        for (Lines lines : views.values()) totals.add(counters(lines));
        return totals;
    }

    /** What a buffer has cost since it was added. */
    public OwnershipCounters counters(Lines lines) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            return lines.counters().copy();
        } finally {
            group.unlock();
        }
    }

    // ---- pages

    private Set<Lines> cover(Lines lines) {
        Set<Lines> others = Set.of();
        @Nullable
        FileMapping lastFile = null;
        @Nullable
        FilePages lastPages = null;
        Runs runs = lines.runs();
        for (int run = 0; run < runs.count(); run++) {
            FileMapping file = runs.mapping(run);
            if (lastPages == null || file != lastFile) {
                lastPages = pagesOf(file);
                lastFile = file;
            }
            FilePages pages = lastPages;
            int end = endPage(runs, run);
            for (int page = (int) (runs.offset(run) >>> PAGE_SHIFT); page < end; page++) {
                int[] chunk = pages.chunk(page);
                int known = chunk[page & (CHUNK_PAGES - 1)];
                if (known == 0) {
                    chunk[page & (CHUNK_PAGES - 1)] = lines.number();
                    pages.covered++;
                    continue;
                }
                if (others.isEmpty()) others = new HashSet<>();
                if (known == lines.number()) {
                    others.add(lines);
                } else {
                    coverShared(lines, pages, page, known, others);
                }
            }
        }
        return others;
    }

    /** Each buffer is in a page's list once, however often it has the page: the newest is the last. */
    private void coverShared(Lines lines, FilePages pages, int page, int known, Set<Lines> others) {
        if (known == SEVERAL) {
            List<Lines> list = pages.sharing(page);
            if (list.getLast() == lines) {
                others.add(lines);
            } else {
                others.addAll(list);
                list.add(lines);
            }
            return;
        }
        Lines other = Objects.requireNonNull(views.get(known), "a page's buffer is known");
        others.add(other);
        pages.shared.put(page, new ArrayList<>(List.of(other, lines)));
        pages.chunk(page)[page & (CHUNK_PAGES - 1)] = SEVERAL;
    }

    private void uncover(Lines lines) {
        Runs runs = lines.runs();
        @Nullable
        FileMapping lastFile = null;
        @Nullable
        FilePages lastPages = null;
        for (int run = 0; run < runs.count(); run++) {
            FileMapping file = runs.mapping(run);
            if (lastPages == null || file != lastFile) {
                forgetIfEmpty(lastFile, lastPages);
                lastPages = files.get(file.id());
                lastFile = file;
            }
            if (lastPages == null) continue;
            int end = endPage(runs, run);
            for (int page = (int) (runs.offset(run) >>> PAGE_SHIFT); page < end; page++)
                uncover(lines, lastPages, page);
        }
        forgetIfEmpty(lastFile, lastPages);
    }

    /** The table of one file that nobody uses is kept: a device often lets go of its only buffer and takes the next. */
    private void forgetIfEmpty(@Nullable FileMapping file, @Nullable FilePages pages) {
        if (file == null || pages == null || pages.covered > 0) return;
        FileId former = unused;
        unused = file.id();
        if (former == null || former.equals(unused)) return;
        FilePages left = files.get(former);
        if (left != null && left.covered == 0) files.remove(former);
    }

    private FilePages pagesOf(FileMapping file) {
        FilePages known = files.get(file.id());
        // The number of a file that is gone may be another's by now.
        if (known != null && known.size == file.size()) return known;
        FilePages made = new FilePages(file.size());
        files.put(file.id(), made);
        return made;
    }

    /** Does nothing where an earlier run of the same buffer has done it. */
    private static void uncover(Lines lines, FilePages pages, int page) {
        int[] chunk = pages.chunk(page);
        int known = chunk[page & (CHUNK_PAGES - 1)];
        if (known == lines.number()) {
            chunk[page & (CHUNK_PAGES - 1)] = 0;
            pages.covered--;
        } else if (known == SEVERAL) {
            List<Lines> list = pages.sharing(page);
            list.remove(lines);
            if (list.size() > 1) return;
            pages.shared.remove(page);
            chunk[page & (CHUNK_PAGES - 1)] = list.getFirst().number();
        }
    }

    private static int endPage(Runs runs, int run) {
        return (int) ((runs.offset(run) + runs.length(run) + (1 << PAGE_SHIFT) - 1) >>> PAGE_SHIFT);
    }

    // ---- lines that are shared

    private static void joinGroup(Lines lines, Set<Lines> others) {
        AliasGroup into = null;
        for (Lines other : others) {
            if (other == lines) continue;
            if (into == null) into = other.group();
            merge(other.group(), into);
        }
        if (into != null) merge(lines.group(), into);
    }

    private static void merge(AliasGroup from, AliasGroup into) {
        if (from == into) return;
        // Only the ledger, which is locked, takes two groups: no two threads can wait for each other.
        from.lock();
        into.lock();
        try {
            for (Lines member : from.members) member.setGroup(into);
            into.members.addAll(from.members);
            from.members.clear();
        } finally {
            into.unlock();
            from.unlock();
        }
    }

    /**
     * Leads {@code lines} to the regions of others where they have the same lines, and to its own elsewhere: to one in its
     * order, and to one in the file's for runs that repeat each other.
     */
    private void share(Lines lines, boolean twice, Set<String> names) throws LedgerFullException {
        Region own = new Region(lines.count());
        @Nullable
        Repeats repeats = twice ? new Repeats(lines, filesOf(lines)) : null;
        for (int run = 0; run < lines.runCount(); run++) {
            FileId file = lines.runs().mapping(run).id();
            FilePages pages = Objects.requireNonNull(files.get(file), "a file that was just covered");
            int first = lines.firstLine(run);
            Region region = own;
            int place = first;
            if (repeats != null && repeats.has(run)) {
                region = repeats.region();
                place = repeats.place(run);
                names.add(lines.buffer());
            }
            int line = first;
            int end = lines.firstLine(run + 1);
            long fileLine = lines.fileLine(run);
            while (line < end) {
                // Up to the end of the page, at most: the next one may be shared with others.
                int most = Math.min(end - line, PAGE_LINES - (int) (fileLine & (PAGE_LINES - 1)));
                int page = (int) (fileLine / PAGE_LINES);
                int count = 0;
                if (pages.isShared(page)) {
                    List<Lines> others = pages.sharing(page);
                    count = addShared(lines, others, file, fileLine, most, names);
                    if (count == 0) most = gap(lines, others, file, fileLine, most);
                }
                if (count == 0) {
                    count = most;
                    lines.addPiece(region, place + (line - first), count);
                }
                line += count;
                fileLine += count;
                if (lines.pieceCount() > MOST_PIECES - pieces) throw tooManyPieces(lines);
            }
        }
    }

    private LedgerFullException tooManyPieces(Lines lines) {
        return new LedgerFullException(
                "the lines that %s shares with others, or has twice, lie in too many pieces: all buffers have %d without it, and %d are the limit"
                        .formatted(lines.buffer(), pieces, MOST_PIECES));
    }

    private static Set<FileId> filesOf(Lines lines) {
        Set<FileId> all = new HashSet<>();
        for (int run = 0; run < lines.runCount(); run = lines.runs().endOfFile(run))
            all.add(lines.runs().mapping(run).id());
        return all;
    }

    /** Appends what another buffer has of the same lines; returns how many there were. */
    private static int addShared(Lines lines, List<Lines> others, FileId file, long fileLine, int most,
            Set<String> names) {
        for (Lines other : others) {
            if (other == lines) continue;
            RunIndex index = other.index(file);
            int stretch = index.holding(fileLine);
            if (stretch < 0) continue;
            int count = Math.min(most, index.left(stretch, fileLine));
            addPieces(lines, other, index.viewLine(stretch, fileLine), count);
            names.add(other.buffer());
            return count;
        }
        return 0;
    }

    /** For how many lines from a line on no other buffer has any. */
    private static int gap(Lines lines, List<Lines> others, FileId file, long fileLine, int most) {
        long next = fileLine + most;
        for (Lines other : others) {
            if (other != lines) next = Math.min(next, other.index(file).next(fileLine));
        }
        return (int) (next - fileLine);
    }

    /** Appends to {@code lines} what {@code other} has from a line on. */
    private static void addPieces(Lines lines, Lines other, int from, int count) {
        int line = from;
        int end = from + count;
        while (line < end) {
            int piece = other.pieceAt(line);
            int into = line - other.pieceStart(piece);
            int length = Math.min(end, other.pieceStart(piece + 1)) - line;
            lines.addPiece(other.region(piece), other.pieceOffset(piece) + into, length);
            line += length;
        }
    }
}
