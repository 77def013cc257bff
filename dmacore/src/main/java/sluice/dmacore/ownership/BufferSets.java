package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;

/**
 * The sets of buffers that share pages of a file, each known by a negative number, the entry of these pages. Who first shares pages with
 * the same others is charged for the set, until no page has it. Thread-safe.
 */
final class BufferSets {
    /** Measured heap bytes. */
    private static final long SET_BYTES = 256;
    private static final long MEMBER_BYTES = 8;

    /** Several buffers of the same pages, each once; the one that came last is the last. */
    private static final class Several {
        final int entry;
        final List<Lines> buffers;
        final Share payer;
        // Guarded by the sets.
        /** Pages with this entry, but for claims that are not closed. */
        int pages;
        /** What the payer has been charged. */
        long charge;

        Several(int entry, List<Lines> buffers, Share payer) {
            this.entry = entry;
            this.buffers = buffers;
            this.payer = payer;
        }

        long bytes() {
            return SET_BYTES + buffers.size() * MEMBER_BYTES;
        }
    }

    /** Pages that change from one entry to another, at least one of which is of several buffers. */
    static final class Move {
        final int from;
        final int to;
        int pages;

        Move(int from, int to) {
            this.from = from;
            this.to = to;
        }
    }

    /** By entry. Changed under its monitor. */
    private final Map<Integer, Several> sets = new ConcurrentHashMap<>();
    private int last;

    /** The buffers of an entry of several. */
    List<Lines> buffers(int entry) {
        return sharing(entry).buffers;
    }

    private Several sharing(int entry) {
        return Objects.requireNonNull(sets.get(entry), "a shared page has a list");
    }

    /** Adds a set without pages, and returns its entry; the pages are those of a later {@link #settle}. */
    int add(List<Lines> buffers, Share payer) throws ShareUsedUpException {
        synchronized (sets) {
            Several made = new Several(freeEntry(), List.copyOf(buffers), payer);
            payer.take(Resource.HEAP, made.bytes());
            made.charge = made.bytes();
            sets.put(made.entry, made);
            return made.entry;
        }
    }

    /** The entry of the same buffers but one, where the former set is on its way out of all its pages. */
    int without(int known, Lines lines) {
        synchronized (sets) {
            Several former = sharing(known);
            List<Lines> rest = new ArrayList<>(former.buffers);
            rest.remove(lines);
            if (rest.size() == 1) return rest.getFirst().number();
            Several made = new Several(freeEntry(), List.copyOf(rest), former.payer);
            // The former set ends with this claim, and has paid for more than this.
            made.charge = made.bytes();
            former.charge -= made.charge;
            sets.put(made.entry, made);
            return made.entry;
        }
    }

    /** Counts the pages that have changed, and drops sets that no page has any more. */
    void settle(Collection<Move> moves) {
        synchronized (sets) {
            for (Move move : moves) {
                if (move.to < 0) sharing(move.to).pages += move.pages;
            }
            for (Move move : moves) {
                if (move.from < 0) sharing(move.from).pages -= move.pages;
            }
            for (Move move : moves) {
                dropIfUnused(move.from);
                dropIfUnused(move.to);
            }
        }
    }

    private void dropIfUnused(int entry) {
        Several several = entry < 0 ? sets.get(entry) : null;
        if (several == null || several.pages > 0) return;
        sets.remove(entry);
        several.payer.giveBack(Resource.HEAP, several.charge);
    }

    private int freeEntry() {
        do {
            last = last == Integer.MIN_VALUE ? -1 : last - 1;
        } while (sets.containsKey(last));
        return last;
    }
}
