package sluice.dmacore.ownership;

import java.util.Arrays;

import sluice.dmacore.memory.FileId;

/** Where a view has the lines of one file, found by the file's line. Stretches do not overlap. */
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
            // What an earlier run has is the same line.
            long from = Math.max(first, end);
            end = Math.max(end, lines.endFileLine(run));
            if (from >= lines.endFileLine(run)) continue;
            fileLines[size] = from;
            viewLines[size] = lines.firstLine(run) + (int) (from - first);
            counts[size++] = (int) (end - from);
        }
    }

    /** The runs that lie in a file, in the order of its lines. */
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

    /** The stretch that holds a line, or −1. */
    int holding(long fileLine) {
        int at = floor(fileLine);
        return at >= 0 && fileLine < fileLines[at] + counts[at] ? at : -1;
    }

    private int floor(long fileLine) {
        int found = Arrays.binarySearch(fileLines, 0, size, fileLine);
        return found >= 0 ? found : -found - 2;
    }

    /** The view's line for a line of the file that a stretch holds. */
    int viewLine(int stretch, long fileLine) {
        return viewLines[stretch] + (int) (fileLine - fileLines[stretch]);
    }

    /** How many lines a stretch still has from a line of the file on. */
    int left(int stretch, long fileLine) {
        return counts[stretch] - (int) (fileLine - fileLines[stretch]);
    }

    /** The file's line with which the next stretch begins, or {@link Long#MAX_VALUE}. */
    long next(long fileLine) {
        int after = floor(fileLine) + 1;
        return after < size ? fileLines[after] : Long.MAX_VALUE;
    }
}
