package sluice.dmacore.ownership;

import java.util.Arrays;
import java.util.Collection;

import sluice.dmacore.memory.FileId;

/**
 * The runs of one buffer that share lines with others of its runs: their lines are stored in a separate region, in file
 * order, so that a repeated run is one piece. The cost depends on the number of runs, not on their length.
 */
final class Repeats {
    private static final int ALONE = -1;

    /** By run: its first line in the region, or {@link #ALONE}. */
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

    /** The first line of a run in the region. */
    int place(int run) {
        return places[run];
    }
}
