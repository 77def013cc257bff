package sluice.dmacore.ownership;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.Runs;

/**
 * The buffers of all cache lines of all files. A line of several buffers, or twice in one buffer, has one state: their
 * views refer to the same {@link Region}.
 *
 * <p>Pages are looked up in a table, so that a buffer without sharing costs a few nanoseconds per page. Registration
 * locks stretches of files: it does not wait for buffers of other VMs, nor for distant buffers of the same VM. The
 * state of a buffer is charged to its device's share.
 */
public final class Ledger {
    private static final int PAGE_LINES = 4096 / Lines.LINE;
    /**
     * Limit of pieces of one buffer. Without sharing there is one; a list that repeats the scattered pages of another
     * may have the product of both lists, with proportional time.
     */
    static final int MOST_PIECES = 1 << 17;
    /** Heap bytes of a piece, including the intervals that its ends may split. */
    static final long PIECE_BYTES = 256;

    private final Books books = new Books();
    private final Map<Integer, Entered> views = new ConcurrentHashMap<>();
    /** Guarded by itself; nothing is counted both here and in a view. */
    private final OwnershipCounters former = new OwnershipCounters();

    private record Entered(Lines lines, Share payer) {}

    /** The result of a registration: the lines, and the buffers that share them. */
    public record Shared(Lines lines, List<String> buffers) {}

    /** As {@link #add(int, String, Runs, boolean, Share)}, for a buffer without a requesting device. */
    public Shared add(int number, String buffer, Runs memory, boolean unseenWriters) throws LedgerFullException {
        return add(number, buffer, memory, unseenWriters, Budget.ofProcess().own());
    }

    /**
     * Registers the lines of a buffer's memory.
     *
     * @param number of the buffer, more than 0
     * @param memory unchanged, with mapped files, until {@link #remove}
     * @param unseenWriters whether the CPU may write without begin and end, as a guest does
     * @param payer share charged for the state of the buffer
     * @return the lines, and the names of buffers that share some of them; the buffer's own name if it has a line twice
     * @throws LedgerFullException if they exceed 2^31 − 1 lines or 2^17 pieces, or the share is used up
     */
    public Shared add(int number, String buffer, Runs memory, boolean unseenWriters, Share payer)
            throws LedgerFullException {
        Lines lines = new Lines(number, buffer, memory, unseenWriters);
        if (views.putIfAbsent(number, new Entered(lines, payer)) != null)
            throw new IllegalStateException(buffer + " is in the ledger already");
        boolean done = false;
        try (Books.Open pages = books.open(memory)) {
            try {
                Shared shared = enter(lines, payer, pages);
                done = true;
                return shared;
            } finally {
                if (!done) uncover(lines, pages);
            }
        } catch (ShareUsedUpException e) {
            throw new LedgerFullException(buffer + ": " + e.getMessage());
        } finally {
            if (!done) views.remove(number);
        }
    }

    private Shared enter(Lines lines, Share payer, Books.Open pages)
            throws LedgerFullException, ShareUsedUpException {
        Set<Lines> others = cover(lines, payer, pages);
        if (others.isEmpty()) {
            lines.addPiece(new Region(lines.count()), 0, lines.count());
        } else {
            joinGroup(lines, others);
        }
        Set<String> names = new HashSet<>();
        AliasGroup group = AliasGroup.lock(lines);
        boolean done = false;
        try {
            if (!others.isEmpty()) share(lines, pages, others.contains(lines), names);
            payer.take(Resource.HEAP, lines.pieceCount() * PIECE_BYTES);
            for (Region region : lines.regions()) region.addView(lines.hasUnseenWriters());
            lines.pinPieces();
            done = true;
        } finally {
            if (!done) group.members.remove(lines);
            group.unlock();
        }
        return new Shared(lines, List.copyOf(names));
    }

    /** Unregisters a buffer, without holders in its view. */
    public void remove(Lines lines) {
        Entered entered = views.get(lines.number());
        if (entered == null || !entered.lines.equals(lines))
            throw new IllegalStateException(lines.buffer() + " was removed already");
        try (Books.Open pages = books.open(lines.runs())) {
            uncover(lines, pages);
        }
        AliasGroup group = AliasGroup.lock(lines);
        try {
            lines.unpinPieces();
            for (Region region : lines.regions()) region.removeView(lines.hasUnseenWriters());
            group.members.remove(lines);
        } finally {
            group.unlock();
        }
        entered.payer.giveBack(Resource.HEAP, lines.pieceCount() * PIECE_BYTES);
        synchronized (former) {
            former.add(lines.counters());
            views.remove(lines.number());
        }
    }

    /** Counters of all buffers, including removed ones. */
    public OwnershipCounters totals() {
        OwnershipCounters totals;
        List<Entered> present;
        synchronized (former) {
            totals = former.copy();
            present = List.copyOf(views.values());
        }
        for (Entered one : present) totals.add(counters(one.lines));
        return totals;
    }

    /** Counters of a buffer since its registration. */
    public OwnershipCounters counters(Lines lines) {
        AliasGroup group = AliasGroup.lock(lines);
        try {
            return lines.counters().copy();
        } finally {
            group.unlock();
        }
    }

    // ---- pages

    private Set<Lines> cover(Lines lines, Share payer, Books.Open open) throws ShareUsedUpException {
        Set<Lines> others = Set.of();
        Runs runs = lines.runs();
        // Most pages of a buffer are shared with the same others as the one before.
        FilePages.@Nullable Claim lastPages = null;
        int last = 0;
        @Nullable
        Lines only = null;
        int run = 0;
        while (run < runs.count()) {
            int ofFile = runs.endOfFile(run);
            FilePages.Claim pages = open.of(runs.mapping(run));
            if (!pages.equals(lastPages)) last = 0;
            lastPages = pages;
            run = pages.enterUnused(runs, run, ofFile, lines, payer);
            if (run == ofFile) continue;
            int end = Books.endPage(runs, run);
            for (int page = pages.nextPage(); page < end; page++) {
                int known = pages.entry(page);
                if (known == 0) {
                    pages.enter(page, lines, payer);
                    continue;
                }
                if (known != last) {
                    last = known;
                    only = known < 0 ? null : Objects.requireNonNull(views.get(known), "a page's buffer").lines;
                    if (others.isEmpty()) others = new HashSet<>();
                    others.addAll(only == null ? pages.buffers(known) : List.of(only));
                }
                if (known != lines.number()) pages.share(page, known, only, lines, payer);
            }
            run++;
        }
        return others;
    }

    /** No effect where a buffer is not registered, or was already removed by an earlier run. */
    private static void uncover(Lines lines, Books.Open open) {
        Runs runs = lines.runs();
        int ofFile;
        for (int run = 0; run < runs.count(); run = ofFile) {
            ofFile = runs.endOfFile(run);
            open.of(runs.mapping(run)).leaveAll(runs, run, ofFile, lines);
        }
    }

    // ---- lines that are shared

    private static void joinGroup(Lines lines, Set<Lines> others) {
        for (Lines other : others) {
            if (!other.equals(lines)) AliasGroup.merge(lines, other);
        }
    }

    /**
     * Maps {@code lines} to the regions of other buffers where they share lines, otherwise to regions of its own: one
     * in buffer order, and one in file order for repeated runs.
     */
    private static void share(Lines lines, Books.Open open, boolean twice, Set<String> names)
            throws LedgerFullException {
        Region own = new Region(lines.count());
        @Nullable
        Repeats repeats = twice ? new Repeats(lines, filesOf(lines)) : null;
        for (int run = 0; run < lines.runCount(); run++) {
            FileId file = lines.runs().mapping(run).id();
            FilePages.Claim pages = open.of(lines.runs().mapping(run));
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
                // At most up to the end of the page, because the next one may be shared with other buffers.
                int most = Math.min(end - line, PAGE_LINES - (int) (fileLine & (PAGE_LINES - 1)));
                int page = (int) (fileLine / PAGE_LINES);
                int count = 0;
                int entry = pages.entry(page);
                if (pages.isShared(entry)) {
                    List<Lines> others = pages.buffers(entry);
                    count = addShared(lines, others, file, fileLine, most, names);
                    if (count == 0) most = gap(lines, others, file, fileLine, most);
                }
                if (count == 0) {
                    count = most;
                    lines.addPiece(region, place + (line - first), count);
                }
                line += count;
                fileLine += count;
                if (lines.pieceCount() > MOST_PIECES) throw tooManyPieces(lines);
            }
        }
    }

    private static LedgerFullException tooManyPieces(Lines lines) {
        return new LedgerFullException(
                """
                        the lines that %s shares with others, or has twice, lie in more than %d pieces, which is the limit: list each \
                        page once, or let fewer buffers with scattered pages overlap"""
                        .formatted(lines.buffer(), MOST_PIECES));
    }

    private static Set<FileId> filesOf(Lines lines) {
        Set<FileId> all = new HashSet<>();
        for (int run = 0; run < lines.runCount(); run = lines.runs().endOfFile(run))
            all.add(lines.runs().mapping(run).id());
        return all;
    }

    /** Appends the lines shared with another buffer; returns their number. */
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

    /** Number of consecutive lines that no other buffer shares. */
    private static int gap(Lines lines, List<Lines> others, FileId file, long fileLine, int most) {
        long next = fileLine + most;
        for (Lines other : others) {
            if (other != lines) next = Math.min(next, other.index(file).next(fileLine));
        }
        return (int) (next - fileLine);
    }

    /** Appends to {@code lines} the lines of {@code other}, beginning at a line. */
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
