package sluice.dmacore.ownership;

import java.util.Arrays;
import java.util.Collection;

import sluice.dmacore.memory.FileId;

/**
 * The runs of one buffer that have lines in common with others of its runs, and where these lines are held: in a region of their
 * own, in the order of the file, so that a run that repeats another is one piece like it. Costs what the runs are, however long.
 */
final class Repeats {
    private static final int ALONE = -1;

    /** By run: the region's line that is its first, or {@link #ALONE}. */
    private final int[] places;
    private final Region region;

    Repeats(Lines lines, Collection<FileId> files) {
        places = new int[lines.runCount()];
        Arrays.fill(places, ALONE);
        int held = 0;
        for (FileId file : files) {
            int[] sorted = RunIndex.sorted(lines, file);
            int next = 0;
            while (next < sorted.length) {
                int from = next;
                long first = lines.fileLine(sorted[from]);
                long end = first;
                do {
                    end = Math.max(end, lines.endFileLine(sorted[next]));
                    next++;
                } while (next < sorted.length && lines.fileLine(sorted[next]) < end);
                if (next - from == 1) continue;
                for (int i = from; i < next; i++)
                    places[sorted[i]] = held + (int) (lines.fileLine(sorted[i]) - first);
                held += (int) (end - first);
            }
        }
        region = new Region(held);
    }

    Region region() {
        return region;
    }

    boolean has(int run) {
        return places[run] != ALONE;
    }

    /** The region's line that is the first of a run that it has. */
    int place(int run) {
        return places[run];
    }
}
