package sluice.vdev.profile;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Slices of tracks, in any order, and their output so that those of one track are nested. Of slices that overlap, the later is moved to
 * another track of the same name.
 */
final class Slices {
    /** More are dropped and counted. */
    static final int MOST = 1 << 20;
    private static final int MOST_LANES = 64;

    /** Where the slices of a group are drawn. */
    interface Tracks {
        /** The track of a lane, 0 for the first. */
        long of(int group, int lane) throws IOException;
    }

    private long[] starts = new long[1024];
    private long[] ends = new long[1024];
    private int[] groups = new int[1024];
    private String[] names = new String[1024];
    private int count;
    private long dropped;

    void add(int group, String name, long start, long end) {
        if (count == MOST || end - start < 0) {
            dropped++;
            return;
        }
        if (count == starts.length) {
            starts = Arrays.copyOf(starts, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
            groups = Arrays.copyOf(groups, 2 * count);
            names = Arrays.copyOf(names, 2 * count);
        }
        starts[count] = start;
        ends[count] = end;
        groups[count] = group;
        names[count] = name;
        count++;
    }

    long dropped() {
        return dropped;
    }

    /** Slices that are open at a moment, the innermost last. */
    private final class Lane {
        private final long track;
        private final List<Integer> open = new ArrayList<>();

        Lane(long track) {
            this.track = track;
        }

        void endUntil(long time, PerfettoWriter out) throws IOException {
            while (!open.isEmpty() && ends[open.getLast()] - time <= 0)
                out.end(track, ends[open.removeLast()]);
        }

        boolean takes(int slice) {
            return open.isEmpty() || ends[slice] - ends[open.getLast()] <= 0;
        }

        void endAll(PerfettoWriter out) throws IOException {
            while (!open.isEmpty())
                out.end(track, ends[open.removeLast()]);
        }
    }

    void write(PerfettoWriter out, Tracks tracks) throws IOException {
        Integer[] order = new Integer[count];
        for (int i = 0; i < count; i++) order[i] = i;
        Arrays.sort(order, (a, b) -> {
            int byGroup = Integer.compare(groups[a], groups[b]);
            if (byGroup != 0) return byGroup;
            int byStart = Long.compare(starts[a], starts[b]);
            return byStart != 0 ? byStart : Long.compare(ends[b], ends[a]);
        });
        List<Lane> lanes = new ArrayList<>();
        int group = -1;
        for (int slice : order) {
            if (groups[slice] != group) {
                for (Lane lane : lanes) lane.endAll(out);
                lanes.clear();
                group = groups[slice];
            }
            Lane lane = lane(lanes, slice, out, tracks);
            if (lane == null) {
                dropped++;
                continue;
            }
            out.begin(lane.track, starts[slice], names[slice]);
            lane.open.add(slice);
        }
        for (Lane lane : lanes) lane.endAll(out);
    }

    private @Nullable Lane lane(List<Lane> lanes, int slice, PerfettoWriter out, Tracks tracks)
            throws IOException {
        for (Lane lane : lanes) {
            lane.endUntil(starts[slice], out);
            if (lane.takes(slice)) return lane;
        }
        if (lanes.size() == MOST_LANES) return null;
        Lane added = new Lane(tracks.of(groups[slice], lanes.size()));
        lanes.add(added);
        return added;
    }
}
