package sluice.dmacore.ownership;

import java.util.Arrays;

import sluice.dmacore.memory.FileId;

/** An index of a view's lines in one file, by file line. Stretches are disjoint. */
final class RunIndex {
    private static final int RUN_BITS = 24;

    private final long[] fileLines;
    private final int[] viewLines;
    private final int[] counts;
    private int size;

    RunIndex(Lines lines, FileId file) {
        int[] runs = sorted(lines, file);
        fileLines = new long[runs.length];
        viewLines = new int[runs.length];
        counts = new int[runs.length];
        long end = 0;
        for (int run : runs) {
            long first = lines.fileLine(run);
            // A line of an earlier run is the same line.
            long from = Math.max(first, end);
            end = Math.max(end, lines.endFileLine(run));
            if (from >= lines.endFileLine(run)) continue;
            fileLines[size] = from;
            viewLines[size] = lines.firstLine(run) + (int) (from - first);
            counts[size++] = (int) (end - from);
        }
    }

    /** The runs in a file, in line order. */
    static int[] sorted(Lines lines, FileId file) {
        long[] keys = new long[lines.runCount()];
        int found = 0;
        for (int run = 0; run < keys.length; run++) {
            if (lines.runs().mapping(run).id().equals(file)) keys[found++] = lines.fileLine(run) << RUN_BITS | run;
        }
        Arrays.sort(keys, 0, found);
        int[] runs = new int[found];
        for (int i = 0; i < found; i++) runs[i] = (int) (keys[i] & ((1 << RUN_BITS) - 1));
        return runs;
    }

    /** The stretch that contains a line, or −1. */
    int holding(long fileLine) {
        int at = floor(fileLine);
        return at >= 0 && fileLine < fileLines[at] + counts[at] ? at : -1;
    }

    private int floor(long fileLine) {
        int found = Arrays.binarySearch(fileLines, 0, size, fileLine);
        return found >= 0 ? found : -found - 2;
    }

    /** The view's line of a file line in a stretch. */
    int viewLine(int stretch, long fileLine) {
        return viewLines[stretch] + (int) (fileLine - fileLines[stretch]);
    }

    /** Number of lines from a file line to the end of a stretch. */
    int left(int stretch, long fileLine) {
        return counts[stretch] - (int) (fileLine - fileLines[stretch]);
    }

    /** The first file line of the next stretch, or {@link Long#MAX_VALUE}. */
    long next(long fileLine) {
        int after = floor(fileLine) + 1;
        return after < size ? fileLines[after] : Long.MAX_VALUE;
    }
}
