package sluice.vdev.profile;

import java.util.Arrays;
import java.util.PriorityQueue;

/** Times at which a stage was under way, possibly at once with others; split into parts that do not overlap. */
final class Intervals {
    /** Limit for one frame; more are dropped and counted. */
    static final int MOST = 1 << 16;
    private static final Stage[] STAGES = Stage.values();

    private long[] starts = new long[64];
    private long[] ends = new long[64];
    private Stage[] stages = new Stage[64];
    private int count;
    private long dropped;

    /** Adds one; an empty or negative one is ignored. */
    void add(Stage stage, long start, long end) {
        if (end - start <= 0) return;
        if (count == MOST) {
            dropped++;
            return;
        }
        if (count == starts.length) {
            starts = Arrays.copyOf(starts, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
            stages = Arrays.copyOf(stages, 2 * count);
        }
        starts[count] = start;
        ends[count] = end;
        stages[count] = stage;
        count++;
    }

    int count() {
        return count;
    }

    /** Those that found no room, since the creation. */
    long dropped() {
        return dropped;
    }

    void clear() {
        count = 0;
    }

    /** Keeps those that end after {@code time}, of requests that are not answered yet. */
    void forgetBefore(long time) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (ends[i] - time <= 0 || stages[i].isAnswered()) continue;
            starts[kept] = starts[i];
            ends[kept] = ends[i];
            stages[kept] = stages[i];
            kept++;
        }
        count = kept;
    }

    /** The first start, or {@code otherwise}. */
    long first(long otherwise) {
        long first = otherwise;
        for (int i = 0; i < count; i++) if (starts[i] - first < 0) first = starts[i];
        return first;
    }

    /** Nanoseconds of each stage, by ordinal, from {@code from} to {@code to}; their sum is {@code to - from}. */
    @SuppressWarnings("EnumOrdinal") // an index of an array that lives as long as the process
    long[] split(long from, long to) {
        long[] nanos = new long[STAGES.length];
        Integer[] order = new Integer[count];
        for (int i = 0; i < count; i++) order[i] = i;
        Arrays.sort(order, (a, b) -> Long.compare(starts[a] - from, starts[b] - from));
        PriorityQueue<Integer> active = new PriorityQueue<>((a, b) -> before(a, b, from));
        long now = from;
        int next = 0;
        while (now - to < 0) {
            while (next < count && starts[order[next]] - now <= 0)
                active.add(order[next++]);
            while (!active.isEmpty() && ends[active.peek()] - now <= 0)
                active.remove();
            long until = to;
            if (next < count && starts[order[next]] - until < 0) until = starts[order[next]];
            Integer top = active.peek();
            if (top != null && ends[top] - until < 0) until = ends[top];
            Stage stage = top == null ? Stage.GUEST : stages[top];
            nanos[stage.ordinal()] += until - now;
            now = until;
        }
        return nanos;
    }

    private int before(int a, int b, long from) {
        int byRank = Integer.compare(stages[b].rank(), stages[a].rank());
        if (byRank != 0) return byRank;
        int byStart = Long.compare(starts[b] - from, starts[a] - from);
        return byStart != 0 ? byStart : Long.compare(ends[a] - from, ends[b] - from);
    }
}
